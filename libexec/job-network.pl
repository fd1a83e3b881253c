#!/usr/bin/perl
# Keeps one job's network: in the job's network namespace, as root of the user namespace that owns it (an ordinary user to the
# host), where the job has no rights. Started by sandbox-launch.pl before the job, killed with it.
#
# It decides nothing. It carries the packet filter's rules from the service to nft, and the job's DNS questions to the service
# and the answers back: src/sandbox/egress decides. Until the first rules are in place there is no way out of the namespace.
#
# Standard input and output lead to the launcher: it says `ready` when the rules are in place, is told `up` (or `up 6`, with
# IPv6) when the device is there, and says `up` when that is configured; or `failed TEXT`.
# Descriptor 3 leads to the service. Frames, each way: 32 bits of length, then a type, a number of 32 bits, and bytes:
#   A  (to here)    rules for nft                R  their result: nothing, or what nft said
#   Q  (from here)  a DNS message; before it a byte, 1 when it came over TCP
#   W  (to here)    the answer to the question of that number; nothing when there is none
use strict;
use warnings;
use Errno qw(EAGAIN EINTR);
use Fcntl qw(F_SETFL O_NONBLOCK);
use Socket qw(:DEFAULT inet_pton);

my ($nft, $device) = @ARGV;
my $CHANNEL = 3;
my ($SIOCGIFFLAGS, $SIOCSIFFLAGS, $SIOCGIFINDEX, $SIOCSIFADDR, $SIOCADDRT) = (0x8913, 0x8914, 0x8933, 0x8916, 0x890b);
my ($IFF_UP, $RTF_UP, $RTF_GATEWAY) = (1, 1, 2);
my $DNS_PORT = 53;

# What a job's questions may take of us: unanswered ones at once, connections, questions in any second of the clock.
my ($MAX_WAITING, $MAX_CONNECTIONS, $MAX_PER_SECOND) = (64, 16, 200);
my ($MAX_DATAGRAM, $MAX_MESSAGE) = (4096, 65535);

$SIG{PIPE} = 'IGNORE';
open(my $channel, '+<&=', $CHANNEL) or fail("channel: $!");
my $received = '';

loopback_up();
my ($datagrams, $listener) = listen_for_dns();
my ($type, $number, $rules) = next_frame();
exit 0 unless defined $type;
my $trouble = apply($rules);
fail("nft: $trouble") if $trouble ne '';
send_frame('R', $number, '');
tell_launcher("ready\n");
my $order = <STDIN> // exit 0;
configure_ipv6() if $order =~ /^up 6/;
tell_launcher("up\n");
# Not closed: what is opened next would get their numbers.
open STDIN, '<', '/dev/null';
open STDOUT, '>', '/dev/null';
serve();

sub serve {
    my (%waiting, %connections);
    my ($next_number, $second, $count) = (0, 0, 0);
    while (1) {
        if (time != $second) { ($second, $count) = (time, 0) }
        # Those that are not read wait in the sockets, and are dropped there when they are too many.
        my $hear = keys %waiting < $MAX_WAITING && $count < $MAX_PER_SECOND;
        my $ready = '';
        my @unread = grep { length $_->{bytes} < $MAX_MESSAGE } values %connections;
        my @listened = $hear ? ($datagrams, map { $_->{socket} } @unread) : ();
        push @listened, $listener if $hear && keys %connections < $MAX_CONNECTIONS;
        vec($ready, fileno $_, 1) = 1 for $channel, @listened;
        my $found = select $ready, undef, undef, $hear ? undef : 0.1;
        next if $found <= 0;

        my $ask = sub {
            my ($by_tcp, $message, $asker) = @_;
            $next_number = ($next_number + 1) & 0xffffffff;
            $waiting{$next_number} = $asker;
            $count += 1;
            send_frame('Q', $next_number, chr($by_tcp) . $message);
        };
        if (vec $ready, fileno $channel, 1) {
            read_channel() or exit 0;
            while (my ($type, $number, $bytes) = take_frame()) {
                if ($type eq 'A') { send_frame('R', $number, apply($bytes)) }
                elsif ($type eq 'W') { answer(delete $waiting{$number}, $bytes, \%connections) }
            }
        }
        if (vec $ready, fileno $datagrams, 1) {
            my $from = recv $datagrams, my $message, $MAX_DATAGRAM, 0;
            $ask->(0, $message, { from => $from }) if defined $from && length $message;
        }
        if (vec $ready, fileno $listener, 1) {
            if (accept my $socket, $listener) {
                fcntl $socket, F_SETFL, O_NONBLOCK;
                $connections{ fileno $socket } = { socket => $socket, bytes => '' };
            }
        }
        for my $key (keys %connections) {
            my $connection = $connections{$key};
            if (vec $ready, $key, 1) {
                my $got = sysread $connection->{socket}, $connection->{bytes}, $MAX_MESSAGE, length $connection->{bytes};
                if (!$got && (defined $got || ($! != EAGAIN && $! != EINTR))) { delete $connections{$key}; next }
            }
            while (keys %waiting < $MAX_WAITING && length $connection->{bytes} >= 2) {
                my $length = unpack 'n', $connection->{bytes};
                last if length $connection->{bytes} < 2 + $length;
                my $message = substr $connection->{bytes}, 0, 2 + $length, '';
                $ask->(1, substr($message, 2), { connection => $connection, key => $key });
            }
        }
    }
}

sub answer {
    my ($asker, $bytes, $connections) = @_;
    return if !defined $asker || $bytes eq '';
    if (defined $asker->{from}) { send $datagrams, $bytes, 0, $asker->{from}; return }
    my $connection = $asker->{connection};
    my $answer = pack('n', length $bytes) . $bytes;
    my $sent = syswrite $connection->{socket}, $answer;
    # Nobody waits here for a job that doesn't read.
    delete $connections->{ $asker->{key} } if !defined $sent || $sent < length $answer;
}

# --- the service ---------------------------------------------------------------------------------------------------------

sub read_channel {
    while (1) {
        my $got = sysread $channel, $received, 65536, length $received;
        next if !defined $got && $! == EINTR;
        return $got;
    }
}

sub take_frame {
    return if length $received < 4;
    my $length = unpack 'N', $received;
    return if length $received < 4 + $length;
    my $frame = substr $received, 0, 4 + $length, '';
    return (substr($frame, 4, 1), unpack('N', substr $frame, 5, 4), substr $frame, 9);
}

sub next_frame {
    while (1) {
        my @frame = take_frame();
        return @frame if @frame;
        read_channel() or return;
    }
}

sub send_frame {
    my ($type, $number, $bytes) = @_;
    my $frame = pack('N a N', 5 + length $bytes, $type, $number) . $bytes;
    while (length $frame) {
        my $sent = syswrite $channel, $frame;
        next if !defined $sent && $! == EINTR;
        exit 0 unless defined $sent;
        substr($frame, 0, $sent) = '';
    }
}

# --- the namespace -------------------------------------------------------------------------------------------------------

# All of the rules or none of them: a script of nft's is one transaction.
sub apply {
    my ($script) = @_;
    pipe(my $script_out, my $script_in) && pipe(my $said_out, my $said_in) or return "pipe: $!";
    my $pid = fork;
    return "fork: $!" unless defined $pid;
    if ($pid == 0) {
        open STDIN, '<&', $script_out;
        open STDOUT, '>&', $said_in;
        open STDERR, '>&', $said_in;
        { exec { $nft } $nft, '-f', '-' }
        print STDERR "$nft: $!\n";
        exit 127;
    }
    close $script_out;
    close $said_in;
    while (length $script) {
        my $sent = syswrite $script_in, $script;
        last unless defined $sent;
        substr($script, 0, $sent) = '';
    }
    close $script_in;
    my $said = join '', <$said_out>;
    waitpid $pid, 0;
    return $? == 0 ? '' : substr($said, 0, 1000) || "ended with $?";
}

sub listen_for_dns {
    my $address = pack_sockaddr_in($DNS_PORT, INADDR_LOOPBACK);
    my ($datagrams, $listener);
    socket($datagrams, PF_INET, SOCK_DGRAM, 0) && bind($datagrams, $address) or fail("DNS over UDP: $!");
    socket($listener, PF_INET, SOCK_STREAM, 0) && bind($listener, $address) && listen($listener, $MAX_CONNECTIONS)
        or fail("DNS over TCP: $!");
    fcntl $_, F_SETFL, O_NONBLOCK for $datagrams, $listener;
    return ($datagrams, $listener);
}

sub loopback_up {
    socket(my $any, PF_INET, SOCK_DGRAM, 0) or fail("socket: $!");
    my $request = pack 'a16 x24', 'lo';
    ioctl($any, $SIOCGIFFLAGS, $request) or fail("lo: $!");
    my $flags = unpack 'x16 S', $request;
    ioctl($any, $SIOCSIFFLAGS, pack 'a16 S x22', 'lo', $flags | $IFF_UP) or fail("lo: $!");
}

# As slirp4netns numbers its own end: fd00::2 in fd00::/64. It would tell so itself, but only after the job has started.
sub configure_ipv6 {
    for my $setting (['accept_ra', 0], ['accept_dad', 0]) {
        open(my $file, '>', "/proc/sys/net/ipv6/conf/$device/$setting->[0]") or return;
        print $file $setting->[1];
        close $file;
    }
    socket(my $any, PF_INET6, SOCK_DGRAM, 0) or return;
    my $request = pack 'a16 x24', $device;
    ioctl($any, $SIOCGIFINDEX, $request) or fail("$device: $!");
    my $index = unpack 'x16 i', $request;
    # struct in6_ifreq, then struct in6_rtmsg (linux/ipv6.h, linux/ipv6_route.h).
    my $address = pack 'a16 L i', inet_pton(AF_INET6, 'fd00::100'), 64, $index;
    ioctl($any, $SIOCSIFADDR, $address) or fail("address of $device: $!");
    my $route = pack 'x16 x16 a16 L S S L x4 Q L i', inet_pton(AF_INET6, 'fd00::2'), 0, 0, 0, 1024, 0, $RTF_UP | $RTF_GATEWAY, $index;
    ioctl($any, $SIOCADDRT, $route) or fail("route over $device: $!");
}

# --- the launcher --------------------------------------------------------------------------------------------------------

sub tell_launcher {
    my ($text) = @_;
    syswrite STDOUT, $text;
}

sub fail {
    my ($text) = @_;
    $text =~ s/\s+/ /g;
    tell_launcher("failed $text\n");
    exit 1;
}
