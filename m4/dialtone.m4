# Macros of one purpose each.

# DIALTONE_NEED_HEADER_LIB(VARIABLE, HEADER, LIBRARY, FUNCTION, DEBIAN-PACKAGE): a library without a pkg-config file
AC_DEFUN([DIALTONE_NEED_HEADER_LIB], [
  AC_CHECK_HEADER([$2], [], [AC_CHECK_HEADER([iniparser/$2], [], [AC_MSG_ERROR([$2 is missing: install the Debian package $5])])])
  AC_CHECK_LIB([$3], [$4], [$1_LIBS="-l$3"], [AC_MSG_ERROR([lib$3 is missing: install the Debian package $5])])
  AC_SUBST([$1_LIBS])
])

# DIALTONE_NEED_PKG(VARIABLE, MODULE, DEBIAN-PACKAGE)
AC_DEFUN([DIALTONE_NEED_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [], [AC_MSG_ERROR([$2 is missing: install the Debian package $3])])
])

# DIALTONE_OPTIONAL_PKG(VARIABLE, MODULE, DEBIAN-PACKAGE, SWITCH, WHAT-FOR): used when there, unless switched off; required when asked for
AC_DEFUN([DIALTONE_OPTIONAL_PKG], [
  AC_ARG_WITH([$4], [AS_HELP_STRING([--without-$4], [leave out $5])], [], [with_$4=auto])
  have_$4=no
  AS_IF([test "x$with_$4" != xno], [
    PKG_CHECK_MODULES([$1], [$2], [
      have_$4=yes
      AC_DEFINE([HAVE_$1], [1], [$5])
    ], [AS_IF([test "x$with_$4" = xyes], [AC_MSG_ERROR([$2 is missing: install the Debian package $3])])])
  ])
])

# The MySQL client library: mysqlclient first, then MariaDB's Connector/C
AC_DEFUN([DIALTONE_MYSQL], [
  PKG_CHECK_MODULES([MYSQL], [mysqlclient], [mysql_library=mysqlclient], [
    PKG_CHECK_MODULES([MYSQL], [libmariadb], [mysql_library=libmariadb],
      [AC_MSG_ERROR([neither mysqlclient nor libmariadb found: install the Debian package default-libmysqlclient-dev])])])
  AC_DEFINE_UNQUOTED([MYSQL_LIBRARY], ["$mysql_library"], [which client library was found])
])

# Unit tests need check
AC_DEFUN([DIALTONE_CHECK], [
  PKG_CHECK_MODULES([CHECK], [check >= 0.15], [have_check=yes],
    [AC_MSG_ERROR([check is missing: install the Debian package check])])
])

# DIALTONE_TRY_FLAG(VARIABLE, FLAG): add it where the compiler and linker take it
AC_DEFUN([DIALTONE_TRY_FLAG], [
  AC_MSG_CHECKING([whether $CC takes $2])
  dialtone_saved="$CFLAGS"
  CFLAGS="$CFLAGS -Werror $2"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [AC_MSG_RESULT([yes]); $1="$$1 $2"], [AC_MSG_RESULT([no])])
  CFLAGS="$dialtone_saved"
])

AC_DEFUN([DIALTONE_HARDENING], [
  AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [leave out PIE, stack protector, FORTIFY, relro])], [], [enable_hardening=yes])
  WARN_CFLAGS="-Wall -Wextra -Wformat=2 -Wmissing-prototypes -Wstrict-prototypes -Wvla -Wshadow -Wpointer-arith -Wwrite-strings"
  AS_IF([test "x$enable_hardening" = xyes], [
    for dialtone_flag in -fPIE -fstack-protector-strong -fstack-clash-protection -fcf-protection; do
      DIALTONE_TRY_FLAG([HARDEN_CFLAGS], [$dialtone_flag])
    done
    AS_IF([test "x$enable_asan" != xyes], [HARDEN_CFLAGS="$HARDEN_CFLAGS -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"])
    for dialtone_flag in -pie -Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack; do
      DIALTONE_TRY_FLAG([HARDEN_LDFLAGS], [$dialtone_flag])
    done
  ])
  AC_SUBST([WARN_CFLAGS])
  AC_SUBST([HARDEN_CFLAGS])
  AC_SUBST([HARDEN_LDFLAGS])
])

AC_DEFUN([DIALTONE_SANITIZERS], [
  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [AddressSanitizer])], [], [enable_asan=no])
  AC_ARG_ENABLE([ubsan], [AS_HELP_STRING([--enable-ubsan], [UndefinedBehaviorSanitizer])], [], [enable_ubsan=no])
  SANITIZE_CFLAGS=
  AS_IF([test "x$enable_asan" = xyes], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=address -fno-omit-frame-pointer"])
  AS_IF([test "x$enable_ubsan" = xyes], [SANITIZE_CFLAGS="$SANITIZE_CFLAGS -fsanitize=undefined -fno-sanitize-recover=undefined"])
  AS_IF([test -n "$SANITIZE_CFLAGS"], [
    dialtone_saved="$CFLAGS"
    CFLAGS="$CFLAGS $SANITIZE_CFLAGS"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [], [AC_MSG_ERROR([this compiler cannot link with$SANITIZE_CFLAGS])])
    CFLAGS="$dialtone_saved"
  ])
  AC_SUBST([SANITIZE_CFLAGS])
])

# --enable-fuzzer: link the fuzz targets with libFuzzer (clang). Without it they run over their corpus in make check.
AC_DEFUN([DIALTONE_FUZZER], [
  AC_ARG_ENABLE([fuzzer], [AS_HELP_STRING([--enable-fuzzer], [fuzz targets by libFuzzer; needs CC=clang])], [], [enable_fuzzer=no])
  FUZZER_CFLAGS=
  AS_IF([test "x$enable_fuzzer" = xyes], [
    dialtone_saved="$CFLAGS"
    CFLAGS="$CFLAGS -fsanitize=fuzzer-no-link"
    AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])], [FUZZER_CFLAGS="-fsanitize=fuzzer-no-link"], [AC_MSG_ERROR([--enable-fuzzer needs clang and libclang-rt-dev: CC=clang])])
    CFLAGS="$dialtone_saved"
  ])
  AC_SUBST([FUZZER_CFLAGS])
  AM_CONDITIONAL([FUZZER], [test "x$enable_fuzzer" = xyes])
])

AC_DEFUN([DIALTONE_WERROR], [
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [warnings are errors])], [], [enable_werror=no])
  AS_IF([test "x$enable_werror" = xyes], [WARN_CFLAGS="$WARN_CFLAGS -Werror"])
])
