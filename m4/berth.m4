# berth's own configure macros.

# BERTH_PKG(VAR, MODULE [>= VERSION], DEBIAN-PACKAGE)
# A library that must be there; says which Debian package brings it.
AC_DEFUN([BERTH_PKG], [
  PKG_CHECK_MODULES([$1], [$2], [], [
    berth_missing="$berth_missing
    $2 (Debian package $3)"
  ])
])

# BERTH_PKG_TEST(VAR, MODULE, DEBIAN-PACKAGE)
# A library that only tests need: sets have_VAR to yes or no.
AC_DEFUN([BERTH_PKG_TEST], [
  PKG_CHECK_MODULES([$1], [$2], [have_$1=yes], [
    have_$1=no
    berth_missing_tests="$berth_missing_tests
    $2 (Debian package $3)"
  ])
])

# BERTH_CFLAG(FLAG): adds FLAG to BERTH_CFLAGS where the compiler knows it.
AC_DEFUN([BERTH_CFLAG], [
  AS_VAR_PUSHDEF([berth_flag], [berth_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC knows $1], [berth_flag], [
    berth_save_cflags=$CFLAGS
    CFLAGS="$CFLAGS -Werror $1"
    AC_COMPILE_IFELSE([AC_LANG_PROGRAM()],
      [AS_VAR_SET([berth_flag], [yes])], [AS_VAR_SET([berth_flag], [no])])
    CFLAGS=$berth_save_cflags
  ])
  AS_VAR_IF([berth_flag], [yes], [BERTH_CFLAGS="$BERTH_CFLAGS $1"])
  AS_VAR_POPDEF([berth_flag])
])
