#!/usr/bin/perl
# The first process of the guest that run.sh starts. One process on purpose: a fork costs 50 to 100 ms in user-mode Linux,
# so mounts and modules are plain system calls. Beside it lie `modules` and `command`; it leaves `status`.
use strict;
use warnings;
use POSIX ();

use constant {MOUNT => 165, REBOOT => 169, SYNC => 162, INIT_MODULE => 175};    # x86_64

my ($work) = $0 =~ m{^(.*)/};
my $private = $ENV{private};    # from the kernel's command line
%ENV = (PATH => '/usr/sbin:/usr/bin:/sbin:/bin', HOME => '/root', TMPDIR => '/run/tmp', TERM => 'dumb',
    LC_ALL => 'C.UTF-8', DM_DISABLE_UDEV => 1);

sub mount_on {
    my ($type, $folder, $options) = (@_, '');
    my $device = 'none';
    syscall(MOUNT, $device, $folder, $type, 0, $options) == 0 or print "mount $folder: $!\n";
}

sub load_module {
    my ($path) = @_;
    open(my $file, '<:raw', $path) or return;
    local $/;
    my ($image, $options) = (scalar <$file>, '');
    syscall(INIT_MODULE, $image, length $image, $options) == 0 or print "load $path: $!\n";
}

sub print_without_carriage_returns {
    my $terminal = POSIX::Termios->new;
    return unless defined $terminal->getattr(1);
    $terminal->setoflag($terminal->getoflag & ~POSIX::OPOST());
    $terminal->setattr(1);
}

# The host's private folder on tmpfs is seen for as long as it takes to open and unlink what lies in it.
sub take_input {
    my $folder = '/run/private';
    mkdir $folder;
    mount_on('hostfs', $folder, $private);
    open(STDIN, '<', "$folder/input") or open(STDIN, '<', '/dev/null');
    unlink "$folder/input";
}

# The kernel has mounted /dev already.
mount_on('proc', '/proc');
mount_on('sysfs', '/sys');
mount_on('tmpfs', $_) for '/run', '/mnt';
mkdir($_) for '/run/cryptsetup', '/run/lock', '/run/tmp', '/dev/mapper', '/dev/shm';
mount_on('tmpfs', '/dev/shm');
print_without_carriage_returns();

open(my $modules, '<', "$work/modules") or print "modules: $!\n";
while (my $path = <$modules>) { chomp $path; load_module($path) }

my $child = fork();
if ($child == 0) {
    take_input();
    exec('/bin/bash', "$work/command");
    exit 127;
}
my $ended = 0;
$ended = wait() while $ended != $child && $ended != -1;
my $status = $? & 127 ? 128 + ($? & 127) : $? >> 8;

open(my $out, '>', "$work/status.new") or print "status: $!\n";
print $out "$status\n";
close $out;
rename("$work/status.new", "$work/status");
syscall(SYNC);
# LINUX_REBOOT_CMD_POWER_OFF: the kernel's process ends, and with it run.sh's wait.
syscall(REBOOT, 0xfee1dead, 672274793, 0x4321fedc, 0);
sleep 9;
