#!/bin/sh
# Keep the lists of installed data files and documents: templates/local.mk, db/local.mk, doc/local.mk. Run it after adding or removing one.
#
#   m4/data-files.sh            rewrite the lists from the folders
#   m4/data-files.sh --check    change nothing; 1 and a diff if a list is out of date
set -eu
cd "$(dirname "$0")/.."

list() { # VARIABLE FILE...
	[ $# -gt 1 ] || return 0
	printf '%s +=' "$1"
	shift
	printf ' \\\n\t%s' "$@"
	printf '\n'
}

found() { # FIND-ARGUMENTS
	find "$@" -type f ! -name '.*' ! -name '*~' ! -name '*.orig' ! -name '*.rej' ! -path '*/__pycache__/*' | LC_ALL=C sort
}

# names hold no blanks: they become words
# shellcheck disable=SC2046
content() {
	case $1 in
	templates)
		echo '# Written by m4/data-files.sh: what is installed as pkgdatadir/templates.'
		list nobase_dist_pkgdata_DATA $(found templates '(' -name '*.ini' -o -name '*.tmpl' -o -name '*.tsv' ')')
		list EXTRA_DIST m4/data-files.sh $(found templates ! -name '*.ini' ! -name '*.tmpl' ! -name '*.tsv' ! -name local.mk)
		;;
	db)
		echo '# Written by m4/data-files.sh: what is installed as pkgdatadir/db.'
		list nobase_dist_pkgdata_DATA $(found db -name '*.sql')
		list EXTRA_DIST $(found db ! -name '*.sql' ! -name local.mk)
		;;
	doc)
		echo '# Written by m4/data-files.sh: manual pages are installed, guides go into the tarball.'
		list dist_man_MANS $(found doc -name '*.[1-9]')
		list EXTRA_DIST $(found doc ! -name '*.[1-9]' ! -name local.mk)
		;;
	esac
}

status=0
for folder in templates db doc; do
	if [ "${1:-}" = --check ]; then
		content "$folder" | diff -u "$folder/local.mk" - || status=1
	else
		text=$(content "$folder")
		printf '%s\n' "$text" >"$folder/local.mk"
	fi
done
[ $status = 0 ] || echo 'data-files.sh: a list is out of date, run m4/data-files.sh' >&2
exit $status
