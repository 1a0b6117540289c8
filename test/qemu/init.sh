#!/bin/busybox sh
# First process of the guest: mounts, loads ip_vs, runs what the kernel's command line names (fourlane.run=...), tells how it ended.
export PATH=/sbin:/bin:/usr/sbin:/usr/bin HOME=/root NODE_NO_WARNINGS=1
/bin/busybox mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
ip link set lo up
modprobe crc32c_generic
for word in $(cat /proc/cmdline); do
  case $word in fourlane.run=*) test=${word#*=} ;; esac
done
echo "@@booted $(/bin/busybox cut -d' ' -f1 /proc/uptime)"
cd /fourlane
node --test --test-isolation=none --test-reporter=spec $test
echo "@@ended $?"
poweroff -f
