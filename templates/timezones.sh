#!/bin/sh
# Writes timezones.tsv: IANA name TAB POSIX rule, from the compiled tz database.
#   ./timezones.sh [zoneinfo folder] > timezones.tsv
# Names are those that tzdata.zi defines (zones and links); the rule is the footer of the zone's own file,
# which holds for all times after its last transition.
set -eu
LC_ALL=C
export LC_ALL
zoneinfo=${1:-/usr/share/zoneinfo}

awk '$1 == "Z" { print $2 } $1 == "L" { print $3 }' "$zoneinfo/tzdata.zi" | sort -u |
while read -r name; do
    [ "$name" = Factory ] && continue
    [ -f "$zoneinfo/$name" ] || continue
    [ "$(head -c 4 "$zoneinfo/$name")" = TZif ] || continue
    rule=$(tail -n 1 "$zoneinfo/$name")
    [ -n "$rule" ] || continue
    printf '%s\t%s\n' "$name" "$rule"
done
