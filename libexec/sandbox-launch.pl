#!/usr/bin/perl
# The two small processes around a sandboxed program. They are Perl because perl-base is on every Debian and Ubuntu, starts
# in 2 ms, and reaches any system call; nothing here decides policy, that is the plan's, which src/sandbox/plan.ts writes.
#
#   launch  outside the sandbox, as the service's user, made ahead of time and used for one job. Owns a private mount
#           namespace with the job's one size-limited tmpfs, starts bubblewrap, and is the subreaper of all that comes of
#           it: when it says `ended`, nothing of the job lives. It then waits for its control socket to close, so that
#           the output can be read through /proc/<pid>/root, and takes the tmpfs along when it goes.
#   init    inside, pid 1 of the job's namespace, already without rights. Starts the program, reaps, reports exactly how
#           the program ended, kills what is left.
#   serve   outside, for a fork server (runtimes/python/agent) instead of a job: starts it in a user namespace of its own, and
#           mounts what its jobs need, when the service says so, where the jobs' mount namespaces receive it.
#   run     the init's part without any sandbox, for SANDBOX=none: the program's descendants are its children in the end.
#
# A plan is a list of steps, each "count NUL token NUL token NUL ..."; tokens hold no NUL. The launcher reads two, each with
# its length in 8 bytes before it: what can be prepared (pipes, namespace, user, cgroup), then what the job needs (mounts,
# files to open, the command).
# Control socket, launcher to service, one line each:
#   pipes FD FD       read ends of the program's stdout and stderr, to be opened as /proc/<pid>/fd/FD
#   started           bubblewrap is being started; the files to open have been opened
#   exited STATUS USER_US SYSTEM_US MAXRSS_KB WALL_US      the init's report, STATUS as wait(2) gives it
#   ended STATUS USER_US SYSTEM_US MAXRSS_KB               bubblewrap's own status; everything is dead
#   done              (serve) the steps that were sent have been taken
#   failed TEXT       something of ours did not work
use strict;
use warnings;
use Config;

# System calls that Perl has no word for, by architecture: x86_64, then aarch64 (asm/unistd_64.h, asm-generic/unistd.h).
my $ARM = $Config{archname} =~ /^aarch64/;
sub nr { $ARM ? $_[1] : $_[0] }
my $SYS_read = nr(0, 63);
my $SYS_write = nr(1, 64);
my $SYS_close = nr(3, 57);
my $SYS_fcntl = nr(72, 25);
my $SYS_fchown = nr(93, 55);
my $SYS_getrusage = nr(98, 165);
my $SYS_setsid = nr(112, 157);
my $SYS_setgroups = nr(116, 159);
my $SYS_setresuid = nr(117, 147);
my $SYS_setresgid = nr(119, 149);
my $SYS_prctl = nr(157, 167);
my $SYS_mount = nr(165, 40);
my $SYS_mknodat = nr(259, 33);
my $SYS_clock_gettime = nr(228, 113);
my $SYS_unshare = nr(272, 97);
my $SYS_dup3 = nr(292, 24);
my $SYS_pipe2 = nr(293, 59);
my $SYS_prlimit64 = nr(302, 261);
my $SYS_setns = nr(308, 268);
my $SYS_umount2 = nr(166, 39);
my $SYS_close_range = nr(436, 436);
my $SYS_mount_setattr = nr(442, 442);

my ($MS_NOSUID, $MS_NODEV, $MS_REMOUNT, $MS_BIND, $MS_REC, $MS_PRIVATE, $MS_SHARED) = (2, 4, 32, 4096, 16384, 1 << 18, 1 << 20);
my ($MNT_DETACH, $AT_FDCWD, $MOUNT_ATTR_SAFE) = (2, -100, 1 | 2 | 4);
my ($CLONE_NEWNS, $CLONE_NEWUSER, $CLONE_NEWNET) = (0x20000, 0x10000000, 0x40000000);
my ($PR_SET_PDEATHSIG, $PR_SET_DUMPABLE, $PR_SET_CHILD_SUBREAPER) = (1, 4, 36);
my ($F_DUPFD_CLOEXEC, $F_SETFD, $FD_CLOEXEC) = (1030, 2, 1);
my ($SIGKILL, $RUSAGE_CHILDREN, $CLOCK_MONOTONIC, $EINTR, $ECHILD) = (9, -1, 1, 4, 10);
my $RLIMIT_NOFILE = 7;

# Descriptors. The launcher has the control socket at 3; what the init finds at 6 to 10 and bubblewrap at 4 and 5 is put
# there just before bubblewrap is started. All that the launcher opens for itself lies above.
my ($CONTROL, $FILTER, $ARGUMENTS, $PLAN, $STDOUT, $STDERR, $REPORT, $LAUNCHER) = (3 .. 10);
# A fork server finds its line to the service where a job's bubblewrap finds the filter; so does the keeper of a job's network.
my $AGENT = $FILTER;
# And where the init finds its plan, a pipe that ends with the launcher.
my $LIFELINE = $PLAN;
my $NETWORK = $FILTER;
my $OWN_FROM = 20;

my $failure_fd;
# Waits for orders that may never come.
my $waiting_child;
my %mounts = (
    tmpfs => \&mount_tmpfs,
    resize => \&resize_tmpfs,
    folder => \&make_folder,
    link => \&make_link,
    bind => \&bind_folder,
    'bind-read-only' => \&bind_read_only,
    share => \&share_mounts,
    copy => \&copy_folder,
    unmount => \&unmount,
    'tun-device' => \&make_tun_device,
);
my %roles = (launch => \&launch, serve => \&serve, init => sub { init(1) }, run => sub { init(0) });
my $role = $roles{ shift(@ARGV) // '' } or die "launch, init or run\n";
$role->(@ARGV);

# --- outside -------------------------------------------------------------------------------------------------------------

sub launch {
    my ($service) = @_;
    $failure_fd = $CONTROL;
    # Killed along with the service; where it died before this call, the parent is no longer the service.
    call('prctl', $SYS_prctl, $PR_SET_PDEATHSIG, $SIGKILL, 0, 0, 0);
    exit 125 if getppid != $service;
    call('prctl', $SYS_prctl, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);

    my $child;
    my $stopped = 0;
    $SIG{TERM} = sub { $stopped = 1; kill 'KILL', $child if $child };
    umask 022;

    my %prepared = (cgroups => []);
    for my $step (read_plan($CONTROL, read_length())) {
        my ($verb, @rest) = @$step;
        if ($verb eq 'pipes') { @prepared{qw(stdout stderr)} = make_output_pipes(@rest) }
        elsif ($verb eq 'namespace') { enter_namespace(@rest) }
        elsif ($verb eq 'user') { $prepared{user} = { uid => $rest[0] + 0, gid => $rest[1] + 0 } }
        elsif ($verb eq 'cgroup') { $prepared{cgroups} = \@rest }
        else { fail("unknown step $verb") }
    }
    # The launcher alone keeps the other end of `alive`, for as long as it lives.
    my ($launcher, $report, $orders, $alive) = ($$, make_pipe(), make_pipe(), make_pipe());

    $child = fork;
    fail("fork: $!") unless defined $child;
    if ($child == 0) {
        syscall($SYS_close, $_) for $orders->[1], $alive->[1];
        become_job(\%prepared, $launcher, $report->[1], $orders->[0], $alive->[0]);
    }
    $waiting_child = $child;
    # What is not closed here keeps the readers of the output waiting for an end.
    syscall($SYS_close, $_) for $report->[1], $orders->[0], $alive->[0], $prepared{stdout}[1], $prepared{stderr}[1];

    my $for_child = '';
    for my $step (read_plan($CONTROL, read_length())) {
        my ($verb, @rest) = @$step;
        if (my $mount = $mounts{$verb}) { $mount->(@rest) }
        elsif ($verb eq 'network') { $for_child .= join "\0", 2, 'join', start_network(\%prepared, @rest), '' }
        else { $for_child .= join "\0", scalar(@$step), @$step, '' }
    }
    # The read ends have been opened by the service when it sends the second plan.
    syscall($SYS_close, $_) for $prepared{stdout}[0], $prepared{stderr}[0];
    say_to($orders->[1], $for_child);
    syscall($SYS_close, $orders->[1]);
    kill 'KILL', $child if $stopped;

    my $status = 125 << 8;
    while (1) {
        my $pid = waitpid -1, 0;
        if ($pid == -1) { last if $! == $ECHILD; next }
        if ($pid == $child) {
            $status = $?;
            $child = 0;
            # Under bubblewrap all else of the job is dying already; without it, this is what ends a job's daemons. Its network goes, too.
            kill_children();
        }
    }
    my $line = "\0" x 512;
    my $got = syscall($SYS_read, $report->[0], $line, length $line);
    say_to($CONTROL, substr $line, 0, $got) if $got > 0;
    say_to($CONTROL, join(' ', 'ended', $status, usage()) . "\n");

    # Until the service has collected the output.
    my $byte = "\0";
    1 while syscall($SYS_read, $CONTROL, $byte, 1) == -1 && $! == $EINTR;
    exit 0;
}

# The launcher's child: attached to the job's cgroups ahead of time, for that takes the longest; then waits for its orders.
sub become_job {
    my ($prepared, $launcher, $report, $orders, $alive) = @_;
    $SIG{TERM} = 'DEFAULT';
    join_cgroups($prepared);

    my (@command, @files, $one_pipe);
    for my $step (read_plan($orders)) {
        my ($verb, @rest) = @$step;
        if ($verb eq 'open') { push @files, [@rest] }
        elsif ($verb eq 'one-pipe') { $one_pipe = 1 }
        elsif ($verb eq 'join') { join_network(@rest) }
        elsif ($verb eq 'command') { @command = @rest }
        else { fail("unknown step $verb") }
    }
    # No orders: the service had no use for this launcher.
    exit 0 unless @command;
    open_at(@$_) for @files;
    # The service removes the files now.
    say_to($CONTROL, "started\n");
    my $stdout = $prepared->{stdout}[1];
    my $stderr = $one_pipe ? $stdout : $prepared->{stderr}[1];
    call('dup3', $SYS_dup3, @$_, 0) for [$stdout, $STDOUT], [$stderr, $STDERR], [$report, $REPORT], [$alive, $LAUNCHER];
    call('close_range', $SYS_close_range, $LAUNCHER + 1, 0xffffffff, 0);
    syscall($SYS_close, $CONTROL);
    $failure_fd = 2;
    become_user($prepared);
    # Bubblewrap says so itself, but later, and does not look whether there is somebody yet to die with.
    die_with($launcher);
    %ENV = ();
    chdir '/';
    exec { $command[0] } @command or fail("$command[0]: $!");
}

sub join_cgroups {
    my ($prepared) = @_;
    put($_, '0') for @{ $prepared->{cgroups} };
    # When the host runs short of memory, jobs go before anything else.
    put('/proc/self/oom_score_adj', '500');
}

sub become_user {
    my ($prepared) = @_;
    my $user = $prepared->{user} or return;
    my $groups = '';
    call('setgroups', $SYS_setgroups, 0, $groups);
    call('setresgid', $SYS_setresgid, ($user->{gid}) x 3);
    call('setresuid', $SYS_setresuid, ($user->{uid}) x 3);
}

# A network namespace with a way out, for the job to join: its keeper (job-network.pl) has filled the packet filter before slirp4netns
# connects it. Both have the job's user, its cgroups and its end. The user namespace that owns it is the keeper's, and the job's
# is not inside of that: whatever the job may become in its own, it has no right over the filter. Returns the path of the namespace.
sub start_network {
    my ($prepared, $slirp, $keeper_script, $perl, $nft, $ipv6, $max_files, @slirp_options) = @_;
    my ($launcher, $device) = ($$, 'tap0');
    my ($orders, $words) = (make_pipe(), make_pipe());
    my $keeper = fork;
    fail("fork: $!") unless defined $keeper;
    if ($keeper == 0) {
        become_companion($prepared, $launcher);
        own_namespaces();
        die_with($launcher);
        call('dup3', $SYS_dup3, @$_, 0) for [$orders->[0], 0], [$words->[1], 1], [$NETWORK, $CONTROL];
        call('close_range', $SYS_close_range, $CONTROL + 1, 0xffffffff, 0);
        exec { $perl } $perl, $keeper_script, $nft, $device or exit 125;
    }
    syscall($SYS_close, $_) for $orders->[0], $words->[1], $NETWORK;
    expect_from($words->[0], 'ready');

    # The relay joins the keeper's user namespace, and what gains rights so loses its wish to die with its parent. It looks at a pipe
    # instead, of which the launcher alone holds the other end, for as long as it lives.
    my ($ready, $said, $alive) = (make_pipe(), make_pipe(), make_pipe());
    my $relay = fork;
    fail("fork: $!") unless defined $relay;
    if ($relay == 0) {
        become_companion($prepared, $launcher);
        # Bounds what the job can make it hold: connections, and with them memory.
        set_rlimit($RLIMIT_NOFILE, $max_files);
        call('dup3', $SYS_dup3, @$_, 0) for [$ready->[1], $CONTROL], [$alive->[0], $NETWORK], [$said->[1], 2], [$said->[1], 1];
        call('close_range', $SYS_close_range, $NETWORK + 1, 0xffffffff, 0);
        exec { $slirp } $slirp, @slirp_options, "--ready-fd=$CONTROL", "--exit-fd=$NETWORK", $keeper, $device or exit 125;
    }
    syscall($SYS_close, $_) for $ready->[1], $said->[1], $alive->[0];
    fail('slirp4netns: ' . read_bytes($said->[0], 4096)) if read_bytes($ready->[0], 1) ne '1';
    # What it says later is of no interest, and must not hold it up: it gets EPIPE.
    syscall($SYS_close, $_) for $ready->[0], $said->[0];
    say_to($orders->[1], $ipv6 ? "up 6\n" : "up\n");
    expect_from($words->[0], 'up');
    syscall($SYS_close, $_) for $orders->[1], $words->[0];
    return "/proc/$keeper/ns/net";
}

# A process beside the job's: counted with it, and no more privileged.
sub become_companion {
    my ($prepared, $launcher) = @_;
    $SIG{TERM} = 'DEFAULT';
    join_cgroups($prepared);
    become_user($prepared);
    die_with($launcher);
    %ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin');
    chdir '/';
}

# To be said again after each change of user or of rights, which takes it back.
sub die_with {
    my ($launcher) = @_;
    call('prctl', $SYS_prctl, $PR_SET_PDEATHSIG, $SIGKILL, 0, 0, 0);
    exit 125 if getppid != $launcher;
}

sub own_namespaces {
    # After the change of user the files of /proc/self belong to root.
    call('prctl', $SYS_prctl, $PR_SET_DUMPABLE, 1, 0, 0, 0);
    my ($uid, $gid) = ($>, (split ' ', $))[0]);
    call('unshare', $SYS_unshare, $CLONE_NEWUSER | $CLONE_NEWNET);
    put('/proc/self/setgroups', 'deny');
    put('/proc/self/uid_map', "0 $uid 1");
    put('/proc/self/gid_map', "0 $gid 1");
}

sub expect_from {
    my ($fd, $word) = @_;
    my $line = '';
    while ($line !~ /\n/) {
        my $byte = read_bytes($fd, 1);
        fail("the keeper of the network is gone; $line") if $byte eq '';
        $line .= $byte;
    }
    fail("the network: $line") if $line ne "$word\n";
}

sub join_network {
    my ($path) = @_;
    open(my $namespace, '<', $path) or fail("$path: $!");
    call('setns', $SYS_setns, fileno $namespace, $CLONE_NEWNET);
    close $namespace;
}

# Where the host's own is closed to ordinary users; in this mount namespace only.
sub make_tun_device {
    my ($folder, $path, $number) = @_;
    my ($type, $options) = ('tmpfs', 'size=4k,mode=0755');
    call("mount $folder", $SYS_mount, $type, $folder, $type, $MS_NOSUID, $options);
    call("mknod $path", $SYS_mknodat, $AT_FDCWD, $path, 020666, $number + 0);
    chmod 0666, $path or fail("chmod $path: $!");
}

# Lives as long as its fork server, and takes it along.
sub serve {
    my ($service) = @_;
    $failure_fd = $CONTROL;
    call('prctl', $SYS_prctl, $PR_SET_PDEATHSIG, $SIGKILL, 0, 0, 0);
    exit 125 if getppid != $service;
    umask 022;

    my (@command, @files, @maps);
    for my $step (read_plan($CONTROL, read_length())) {
        my ($verb, @rest) = @$step;
        if ($verb eq 'namespace') { enter_namespace(@rest) }
        elsif ($verb eq 'users') { @maps = @rest }
        elsif ($verb eq 'open') { push @files, [@rest] }
        elsif ($verb eq 'command') { @command = @rest }
        elsif (my $mount = $mounts{$verb}) { $mount->(@rest) }
        else { fail("unknown step $verb") }
    }
    # The launcher alone keeps the other end of `alive`, for as long as it lives. Bubblewrap can't be relied on for that: when it is killed
    # early, its child has not yet said that it wants to die with it.
    my ($launcher, $unshared, $mapped, $alive) = ($$, make_pipe(), make_pipe(), make_pipe());
    my $child = fork;
    fail("fork: $!") unless defined $child;
    if ($child == 0) {
        die_with($launcher);
        syscall($SYS_close, $_) for $unshared->[0], $mapped->[1], $alive->[1];
        my $groups = '';
        # Refused where it is not needed: without root there are no other groups to be had.
        syscall($SYS_setgroups, 0, $groups);
        call('unshare', $SYS_unshare, $CLONE_NEWUSER);
        say_to($unshared->[1], '.');
        read_bytes($mapped->[0], 1);
        call('setresgid', $SYS_setresgid, 0, 0, 0);
        call('setresuid', $SYS_setresuid, 0, 0, 0);
        die_with($launcher);
        open_at(@$_) for @files;
        call('dup3', $SYS_dup3, $alive->[0], $LIFELINE, 0);
        syscall($SYS_close, $CONTROL);
        call('close_range', $SYS_close_range, $LIFELINE + 1, 0xffffffff, 0);
        $failure_fd = 2;
        %ENV = ();
        chdir '/';
        exec { $command[0] } @command or fail("$command[0]: $!");
    }
    syscall($SYS_close, $_) for $AGENT, $unshared->[1], $mapped->[0], $alive->[0];
    read_bytes($unshared->[0], 1);
    put("/proc/$child/uid_map", $maps[0]);
    put("/proc/$child/gid_map", $maps[1]);
    say_to($mapped->[1], '.');
    say_to($CONTROL, "started\n");

    # A dead server is noticed by the end of this process.
    $SIG{CHLD} = sub { local ($!, $?); exit 0 if waitpid($child, 1) == $child };
    while (1) {
        my @steps = read_plan($CONTROL, read_length());
        $failure_fd = undef;
        eval { $mounts{ $_->[0] }->(@$_[1 .. $#$_]) for @steps };
        $failure_fd = $CONTROL;
        say_to($CONTROL, $@ ? "failed $@" : "done\n");
    }
}

sub enter_namespace {
    my ($uid, $gid) = @_;
    if (defined $uid) {
        # Without root: root of a user namespace, which means the service's own user to the host.
        call('unshare', $SYS_unshare, $CLONE_NEWUSER | $CLONE_NEWNS);
        put('/proc/self/setgroups', 'deny');
        put('/proc/self/uid_map', "0 $uid 1");
        put('/proc/self/gid_map', "0 $gid 1");
    } else {
        call('unshare', $SYS_unshare, $CLONE_NEWNS);
    }
    my ($none, $root) = ('none', '/');
    call('mount / private', $SYS_mount, $none, $root, 0, $MS_REC | $MS_PRIVATE, 0);
}

sub open_at {
    my ($fd, $path) = @_;
    open(my $file, '<', $path) or fail("$path: $!");
    # Out of the way first: it may have been opened at the very place of another.
    my $own = call('fcntl', $SYS_fcntl, fileno $file, $F_DUPFD_CLOEXEC, $OWN_FROM);
    close $file;
    call('dup3', $SYS_dup3, $own, $fd + 0, 0);
}

sub mount_tmpfs {
    my ($path, $options, $flags) = @_;
    my $type = 'tmpfs';
    call("mount $path", $SYS_mount, $type, $path, $type, $MS_NOSUID | $MS_NODEV | ($flags // 0), $options);
}

sub resize_tmpfs { mount_tmpfs(@_, $MS_REMOUNT) }

# From here on, what is mounted below is mounted in the namespaces made from this one, too.
sub share_mounts {
    my ($path) = @_;
    my $none = 'none';
    bind_folder($path, $path);
    call("share $path", $SYS_mount, $none, $path, 0, $MS_SHARED, 0);
}

# By way of a place that is not shared: in the namespaces that receive it, it must never have been writable.
sub bind_read_only {
    my ($source, $path, $staging) = @_;
    bind_folder($source, $staging);
    my $attributes = pack 'Q4', $MOUNT_ATTR_SAFE, 0, 0, 0;
    call("mount_setattr $staging", $SYS_mount_setattr, $AT_FDCWD, $staging, 0, $attributes, length $attributes);
    bind_folder($staging, $path);
    call("umount $staging", $SYS_umount2, $staging, $MNT_DETACH);
}

sub unmount {
    my ($path) = @_;
    call("umount $path", $SYS_umount2, $path, $MNT_DETACH);
    rmdir $path;
}

sub make_link {
    my ($target, $path) = @_;
    symlink $target, $path or fail("symlink $path: $!");
}

sub make_folder {
    my ($path, $mode, $uid, $gid) = @_;
    mkdir $path or fail("mkdir $path: $!");
    chmod oct $mode, $path or fail("chmod $path: $!");
    chown $uid, $gid, $path or fail("chown $path: $!");
}

sub bind_folder {
    my ($source, $path) = @_;
    call("bind $path", $SYS_mount, $source, $path, 0, $MS_BIND, 0);
}

sub copy_folder {
    my ($source, $path, $owner) = @_;
    for my $command (['/bin/cp', '-R', '-T', '--', $source, $path], ['/bin/chown', '-R', '--', $owner, $path]) {
        my $pid = fork;
        fail("fork: $!") unless defined $pid;
        if ($pid == 0) { exec { $command->[0] } @$command or exit 127 }
        waitpid $pid, 0;
        fail("copying the code folder ($command->[0])") if $? != 0;
    }
}

# Pipes, not sockets, and owned by the job's user: so /dev/stdout can be opened inside.
sub make_output_pipes {
    my ($uid, $gid) = @_;
    my @pipes = (make_pipe(), make_pipe());
    call('fchown', $SYS_fchown, $_->[1], $uid + 0, $gid + 0) for @pipes;
    say_to($CONTROL, "pipes $pipes[0][0] $pipes[1][0]\n");
    return @pipes;
}

sub make_pipe {
    my $fds = "\0" x 8;
    call('pipe2', $SYS_pipe2, $fds, 0);
    my @ends = map {
        my $own = call('fcntl', $SYS_fcntl, $_, $F_DUPFD_CLOEXEC, $OWN_FROM);
        syscall($SYS_close, $_);
        $own;
    } unpack 'i2', $fds;
    return \@ends;
}

sub read_length {
    my $bytes = read_bytes($CONTROL, 8);
    # The service is gone, or had no use for this launcher.
    if (length $bytes < 8) {
        # Not before it: who waits for the end of this process takes it for the end of both.
        if ($waiting_child) { kill 'KILL', $waiting_child; waitpid $waiting_child, 0 }
        exit 0;
    }
    return unpack 'Q<', $bytes;
}

# --- inside --------------------------------------------------------------------------------------------------------------

sub init {
    my $sandboxed = shift;
    $failure_fd = $REPORT;
    # It kills all processes that it can see: never outside of a process namespace.
    fail('not the first process of a namespace') if $sandboxed && $$ != 1;
    # Killed along with bubblewrap, and that with the launcher; who died before either was arranged leaves an end of a pipe behind.
    call('prctl', $SYS_prctl, $PR_SET_PDEATHSIG, $SIGKILL, 0, 0, 0);
    vec(my $ended = '', $LAUNCHER, 1) = 1;
    exit 125 if select $ended, undef, undef, 0;
    call('prctl', $SYS_prctl, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    # Not dumpable: the program, which has the same user, can't look into this process nor forge its report.
    call('prctl', $SYS_prctl, $PR_SET_DUMPABLE, 0, 0, 0, 0);
    my (@command, %environment, @limits);
    for my $step (read_plan($PLAN)) {
        my ($verb, @rest) = @$step;
        if ($verb eq 'env') { $environment{ $rest[0] } = $rest[1] }
        elsif ($verb eq 'rlimit') { push @limits, [@rest] }
        elsif ($verb eq 'enter') { chdir $rest[0] or fail("$rest[0]: $!") }
        elsif ($verb eq 'command') { @command = @rest }
        else { fail("unknown step $verb") }
    }
    my $executable = shift @command;
    my $started = now_us();
    my $child = fork;
    fail("fork: $!") unless defined $child;
    if ($child == 0) {
        call('dup3', $SYS_dup3, $STDOUT, 1, 0);
        call('dup3', $SYS_dup3, $STDERR, 2, 0);
        # The report stays open until exec has worked, so that a failure can be told.
        call('fcntl', $SYS_fcntl, $REPORT, $F_SETFD, $FD_CLOEXEC);
        syscall($SYS_close, $_) for $CONTROL .. $STDERR;
        call('close_range', $SYS_close_range, $LAUNCHER, 0xffffffff, 0);
        set_rlimit(@$_) for @limits;
        syscall($SYS_setsid);
        umask 022;
        %ENV = %environment;
        exec { $executable } @command or fail("$executable: $!");
    }
    syscall($SYS_close, $_) for $CONTROL .. $STDERR;
    my $status = 0;
    while (1) {
        my $pid = waitpid -1, 0;
        if ($pid == $child) { $status = $?; last }
        last if $pid == -1 && $! == $ECHILD;
    }
    my $wall = now_us() - $started;
    if ($sandboxed) {
        kill 'KILL', -1;
        while (1) { last if waitpid(-1, 0) == -1 && $! == $ECHILD }
    } else {
        kill_children();
    }
    say_to($REPORT, join(' ', 'exited', $status, usage(), $wall) . "\n");
    exit 0;
}

# --- both ----------------------------------------------------------------------------------------------------------------

sub kill_children {
    while (1) {
        open(my $list, '<', "/proc/$$/task/$$/children") or last;
        my @children = split ' ', (<$list> // '');
        close $list;
        kill 'KILL', $_ for @children;
        return if waitpid(-1, 0) == -1 && $! == $ECHILD;
    }
}

sub call {
    my $what = shift;
    my $number = shift;
    my $result = syscall($number, @_);
    fail("$what: $!") if $result == -1;
    return $result + 0;
}

sub fail {
    my $text = shift;
    $text =~ s/\s+/ /g;
    die "$text\n" unless defined $failure_fd;
    say_to($failure_fd, "failed $text\n");
    exit 125;
}

sub say_to {
    my ($fd, $text) = @_;
    while (length $text) {
        my $written = syscall($SYS_write, $fd, $text, length $text);
        next if $written == -1 && $! == $EINTR;
        return if $written == -1;
        $text = substr $text, $written;
    }
}

# Up to `count` bytes, or all there are.
sub read_bytes {
    my ($fd, $count) = @_;
    my $bytes = '';
    while (!defined $count || length $bytes < $count) {
        my $want = defined $count ? $count - length $bytes : 65536;
        my $buffer = "\0" x $want;
        my $got = syscall($SYS_read, $fd, $buffer, $want);
        next if $got == -1 && $! == $EINTR;
        fail("reading the plan: $!") if $got == -1;
        last if $got == 0;
        $bytes .= substr $buffer, 0, $got;
    }
    return $bytes;
}

sub read_plan {
    my @tokens = split /\0/, read_bytes(@_), -1;
    my @steps;
    while (@tokens > 1) {
        my $count = shift @tokens;
        push @steps, [splice @tokens, 0, $count];
    }
    return @steps;
}

sub put {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or fail("$path: $!");
    call($path, $SYS_write, fileno $file, $text, length $text);
    close $file;
}

sub usage {
    my $bytes = "\0" x 144;
    call('getrusage', $SYS_getrusage, $RUSAGE_CHILDREN, $bytes);
    my ($user_s, $user_us, $system_s, $system_us, $max_rss_kb) = unpack 'q5', $bytes;
    return ($user_s * 1_000_000 + $user_us, $system_s * 1_000_000 + $system_us, $max_rss_kb);
}

sub now_us {
    my $bytes = "\0" x 16;
    call('clock_gettime', $SYS_clock_gettime, $CLOCK_MONOTONIC, $bytes);
    my ($s, $ns) = unpack 'q2', $bytes;
    return $s * 1_000_000 + int($ns / 1000);
}

sub set_rlimit {
    my ($resource, $limit) = @_;
    my $value = pack 'Q2', $limit, $limit;
    call("prlimit $resource", $SYS_prlimit64, 0, $resource + 0, $value, 0);
}
