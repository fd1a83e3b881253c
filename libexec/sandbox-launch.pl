#!/usr/bin/perl
# The two small processes around a sandboxed program. They are Perl because perl-base is on every Debian and Ubuntu, starts
# in 2 ms, and reaches any system call; nothing here decides policy, that is the plan's, which src/sandbox/plan.ts writes.
#
#   launch  outside the sandbox, as the service's user. Owns a private mount namespace with the job's one size-limited
#           tmpfs, starts bubblewrap, and is the subreaper of all that comes of it: when it says `ended`, nothing of the
#           job lives. It then waits for its control socket to close, so that the output can be read through
#           /proc/<pid>/root, and takes the tmpfs along when it goes.
#   init    inside, pid 1 of the job's namespace, already without rights. Starts the program, reaps, reports exactly how
#           the program ended, kills what is left.
#   run     the init's part without any sandbox, for SANDBOX=none: the program's descendants are its children in the end.
#
# A plan is a list of steps, each "count NUL token NUL token NUL ..."; tokens hold no NUL.
# Control socket, launcher to service, one line each:
#   pipes FD [FD]     read ends of the program's output, to be opened as /proc/<pid>/fd/FD; then waits for one byte
#   started           bubblewrap has been started
#   exited STATUS USER_US SYSTEM_US MAXRSS_KB WALL_US      the init's report, STATUS as wait(2) gives it
#   ended STATUS USER_US SYSTEM_US MAXRSS_KB               bubblewrap's own status; everything is dead
#   failed TEXT       nothing was started
use strict;
use warnings;
use Config;

# System calls that Perl has no word for, by architecture: x86_64, then aarch64 (asm/unistd_64.h, asm-generic/unistd.h).
my $ARM = $Config{archname} =~ /^aarch64/;
sub nr { $ARM ? $_[1] : $_[0] }
my $SYS_mount = nr(165, 40);
my $SYS_unshare = nr(272, 97);
my $SYS_prctl = nr(157, 167);
my $SYS_prlimit64 = nr(302, 261);
my $SYS_setgroups = nr(116, 159);
my $SYS_setresuid = nr(117, 147);
my $SYS_setresgid = nr(119, 149);
my $SYS_close_range = nr(436, 436);
my $SYS_getrusage = nr(98, 165);
my $SYS_clock_gettime = nr(228, 113);
my $SYS_fchown = nr(93, 55);
my $SYS_dup3 = nr(292, 24);
my $SYS_close = nr(3, 57);
my $SYS_pipe2 = nr(293, 59);
my $SYS_setsid = nr(112, 157);
my $SYS_read = nr(0, 63);
my $SYS_write = nr(1, 64);

my ($MS_RDONLY, $MS_NOSUID, $MS_NODEV, $MS_REMOUNT, $MS_BIND, $MS_REC, $MS_PRIVATE) = (1, 2, 4, 32, 4096, 16384, 1 << 18);
my ($CLONE_NEWNS, $CLONE_NEWUSER) = (0x20000, 0x10000000);
my ($PR_SET_PDEATHSIG, $PR_SET_DUMPABLE, $PR_SET_CHILD_SUBREAPER) = (1, 4, 36);
my ($SIGKILL, $RUSAGE_CHILDREN, $O_CLOEXEC, $EINTR, $ECHILD) = (9, -1, 02000000, 4, 10);

# Descriptors, as src/sandbox/launcher.ts hands them over. The service fills STDOUT, STDERR and REPORT with anything: the
# launcher puts the pipes that it makes there, and bubblewrap passes them on to the init. (4 is bubblewrap's filter, 5 its arguments.)
my ($CONTROL, $FILTER, $ARGUMENTS, $PLAN, $STDOUT, $STDERR, $REPORT) = (3 .. 9);

sub call {
    my $what = shift;
    my $number = shift;
    my $result = syscall($number, @_);
    fail("$what: $!") if $result == -1;
    return $result;
}

sub say_to {
    my ($fd, $line) = @_;
    syscall($SYS_write, $fd, $line, length $line);
}

my $failure_fd;
sub fail {
    my $text = shift;
    $text =~ s/\s+/ /g;
    say_to($failure_fd, "failed $text\n");
    exit 125;
}

sub read_plan {
    my ($fd, $until) = @_;
    my $bytes = '';
    while (!defined $until || length $bytes < $until) {
        my $buffer = "\0" x 65536;
        my $want = defined $until && $until - length $bytes < 65536 ? $until - length $bytes : 65536;
        my $got = syscall($SYS_read, $fd, $buffer, $want);
        next if $got == -1 && $! == $EINTR;
        fail("reading the plan: $!") if $got == -1;
        last if $got == 0;
        $bytes .= substr $buffer, 0, $got;
    }
    my @tokens = split /\0/, $bytes, -1;
    my @steps;
    while (@tokens > 1) {
        my $count = shift @tokens;
        push @steps, [splice @tokens, 0, $count];
    }
    return @steps;
}

sub usage {
    my $bytes = "\0" x 144;
    syscall($SYS_getrusage, $RUSAGE_CHILDREN, $bytes);
    my ($us, $uu, $ss, $su, $maxrss) = unpack 'q5', $bytes;
    return ($us * 1_000_000 + $uu, $ss * 1_000_000 + $su, $maxrss);
}

sub now_us {
    my $bytes = "\0" x 16;
    syscall($SYS_clock_gettime, 1, $bytes);
    my ($s, $ns) = unpack 'q2', $bytes;
    return $s * 1_000_000 + int($ns / 1000);
}

sub set_rlimit {
    my ($resource, $limit) = @_;
    my $value = pack 'Q2', $limit, $limit;
    call("prlimit $resource", $SYS_prlimit64, 0, $resource + 0, $value, 0);
}

my $role = shift @ARGV;
if ($role eq 'launch') { launch(@ARGV) }
elsif ($role eq 'init') { init(1) }
elsif ($role eq 'run') { init(0) }
else { die "launch, init or run\n" }

sub run_to_end {
    my @command = @_;
    my $pid = fork;
    fail("fork: $!") unless defined $pid;
    if ($pid == 0) { exec { $command[0] } @command or exit 127 }
    waitpid $pid, 0;
    return $? == 0;
}

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

    my $length = '';
    while (length $length < 8) {
        my $buffer = "\0" x 8;
        my $got = syscall($SYS_read, $CONTROL, $buffer, 8 - length $length);
        exit 125 if $got == 0 || ($got == -1 && $! != $EINTR);
        $length .= substr $buffer, 0, $got if $got > 0;
    }
    my @steps = read_plan($CONTROL, unpack 'Q<', $length);

    my (@outputs, @cgroups, @command, %user, $report);
    umask 022;
    for my $step (@steps) {
        my ($verb, @rest) = @$step;
        if ($verb eq 'pipes') {
            # Owned by the job's user, so that /dev/stdout can be opened inside. A pipe, not a socket: those can't be opened.
            my ($count, $uid, $gid) = @rest;
            my @ends = map { [make_pipe()] } 1 .. $count + 1;
            for my $index (0 .. $count - 1) {
                call('fchown', $SYS_fchown, $ends[$index][1], $uid + 0, $gid + 0);
                push @outputs, $ends[$index];
            }
            $report = $ends[$count];
            say_to($CONTROL, 'pipes ' . join(' ', map { $_->[0] } @outputs) . "\n");
        } elsif ($verb eq 'namespace') {
            if (@rest) {
                my ($uid, $gid) = @rest;
                call('unshare', $SYS_unshare, $CLONE_NEWUSER | $CLONE_NEWNS);
                put('/proc/self/setgroups', 'deny');
                put('/proc/self/uid_map', "0 $uid 1");
                put('/proc/self/gid_map', "0 $gid 1");
            } else {
                call('unshare', $SYS_unshare, $CLONE_NEWNS);
            }
            my ($none, $root) = ('none', '/');
            call('mount / private', $SYS_mount, $none, $root, 0, $MS_REC | $MS_PRIVATE, 0);
        } elsif ($verb eq 'tmpfs') {
            my ($path, $options) = @rest;
            my $type = 'tmpfs';
            call("mount $path", $SYS_mount, $type, $path, $type, $MS_NOSUID | $MS_NODEV, $options);
        } elsif ($verb eq 'folder') {
            my ($path, $mode, $uid, $gid) = @rest;
            mkdir $path or fail("mkdir $path: $!");
            chmod oct $mode, $path or fail("chmod $path: $!");
            chown $uid, $gid, $path or fail("chown $path: $!");
        } elsif ($verb eq 'bind') {
            my ($source, $path) = @rest;
            call("bind $path", $SYS_mount, $source, $path, 0, $MS_BIND, 0);
        } elsif ($verb eq 'copy') {
            my ($source, $path, $owner) = @rest;
            run_to_end('/bin/cp', '-R', '-T', '--', $source, $path) or fail('copy');
            run_to_end('/bin/chown', '-R', '--', $owner, $path) or fail('copy');
        } elsif ($verb eq 'cgroup') {
            push @cgroups, @rest;
        } elsif ($verb eq 'user') {
            @user{qw(uid gid)} = @rest;
        } elsif ($verb eq 'command') {
            @command = @rest;
        } else {
            fail("unknown step $verb");
        }
    }

    # The service has opened the output when it answers, so nothing written is lost.
    my $go = "\0";
    while ((my $got = syscall($SYS_read, $CONTROL, $go, 1)) != 1) {
        exit 125 if $got == 0 || $! != $EINTR;
    }
    exit 125 if $stopped;

    $child = fork;
    fail("fork: $!") unless defined $child;
    if ($child == 0) {
        $SIG{TERM} = 'DEFAULT';
        put($_, '0') for @cgroups;
        # When the host runs short of memory, jobs go before anything else.
        put('/proc/self/oom_score_adj', '500');
        for my $pair ([$outputs[0][1], $STDOUT], [$outputs[-1][1], $STDERR], [$report->[1], $REPORT]) {
            call('dup3', $SYS_dup3, $pair->[0], $pair->[1], 0);
        }
        call('close_range', $SYS_close_range, $REPORT + 1, 0xffffffff, 0);
        syscall($SYS_close, $CONTROL);
        $failure_fd = 2;
        if (%user) {
            my $groups = '';
            call('setgroups', $SYS_setgroups, 0, $groups);
            call('setresgid', $SYS_setresgid, ($user{gid} + 0) x 3);
            call('setresuid', $SYS_setresuid, ($user{uid} + 0) x 3);
        }
        %ENV = ();
        chdir '/';
        exec { $command[0] } @command or fail("$command[0]: $!");
    }
    kill 'KILL', $child if $stopped;
    say_to($CONTROL, "started\n");
    # What is not closed here keeps the readers of the output waiting for an end.
    syscall($SYS_close, $_) for $FILTER, $ARGUMENTS, $PLAN, (map { @$_ } @outputs), $report->[1];

    # The order matters: bubblewrap's monitor first, then its namespace's init, which falls to us as the subreaper.
    my $status = 125 << 8;
    while (1) {
        my $pid = waitpid -1, 0;
        if ($pid == -1) { last if $! == $ECHILD; next }
        if ($pid == $child) {
            $status = $?;
            $child = 0;
            # Under bubblewrap all else is dying already; without it, this is what ends a job's daemons.
            kill_children();
        }
    }
    my $line = "\0" x 256;
    my $got = syscall($SYS_read, $report->[0], $line, 256);
    say_to($CONTROL, substr $line, 0, $got) if $got > 0;
    say_to($CONTROL, join(' ', 'ended', $status, usage()) . "\n");

    # Until the service has collected the output.
    my $byte = "\0";
    1 while syscall($SYS_read, $CONTROL, $byte, 1) == -1 && $! == $EINTR;
    exit 0;
}

sub make_pipe {
    my $fds = "\0" x 8;
    call('pipe2', $SYS_pipe2, $fds, $O_CLOEXEC);
    return unpack 'i2', $fds;
}

sub put {
    my ($path, $text) = @_;
    open(my $file, '>', $path) or fail("$path: $!");
    my $written = syscall($SYS_write, fileno $file, $text, length $text);
    fail("$path: $!") if $written == -1;
    close $file;
}

sub kill_children {
    while (1) {
        open(my $list, '<', "/proc/$$/task/$$/children") or last;
        my @children = split ' ', (<$list> // '');
        close $list;
        kill 'KILL', $_ for @children;
        return if waitpid(-1, 0) == -1 && $! == $ECHILD;
    }
}

sub init {
    my $sandboxed = shift;
    $failure_fd = $REPORT;
    # It kills all processes that it can see: never outside of a process namespace.
    fail('not the first process of a namespace') if $sandboxed && $$ != 1;
    call('prctl', $SYS_prctl, $PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    # Not dumpable: the program, which has the same user, can't look into this process nor forge its report.
    call('prctl', $SYS_prctl, $PR_SET_DUMPABLE, 0, 0, 0, 0);
    my (@command, %environment, @limits);
    for my $step (read_plan($PLAN)) {
        my ($verb, @rest) = @$step;
        if ($verb eq 'env') { $environment{ $rest[0] } = $rest[1] }
        elsif ($verb eq 'rlimit') { push @limits, [@rest] }
        elsif ($verb eq 'folder') { chdir $rest[0] or fail("$rest[0]: $!") }
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
        open(my $report, '>&=', $REPORT) or exit 125;
        fcntl($report, 2, 1);
        syscall($SYS_close, $_) for $CONTROL .. $STDERR;
        call('close_range', $SYS_close_range, $REPORT + 1, 0xffffffff, 0);
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
