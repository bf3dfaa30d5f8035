#!/bin/bash
# Inside user-mode Linux: the agent fetches the key and maps the volume; the command line only names both. $1 is an empty
# disk.
set -euo pipefail
: "${SALLYPORT:=}" "${KEY:=}"
disk=$1
# shellcheck source=tests/integration/uml/own_agent.sh
. "$(dirname "$0")/own_agent.sh"
sallyport() { "$SALLYPORT" "$@" --config "$TMPDIR/agent.yaml"; }
id=$(sallyport secret store --name disk-key --file "$KEY" -a aes -b 256 -s symmetric -f value -c 'Secret href')

sallyport volume format "$disk" --key "$id" > /dev/null
sallyport volume test "$disk" --key "$id" > /dev/null
sallyport volume open "$disk" --key "$id" --name data > /dev/null
mkfs.ext4 -q /dev/mapper/data
mount /dev/mapper/data /mnt
echo kept > /mnt/file
umount /mnt
sallyport volume close data
sallyport volume open "$disk" --key-file "$KEY" --name data > /dev/null
mount -o ro /dev/mapper/data /mnt
[[ $(< /mnt/file) == kept ]]
umount /mnt
sallyport volume close data
kill -TERM "$agent"
wait "$agent"
echo 'ok the agent maps a volume by the id of its key'
