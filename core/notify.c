#include "config.h"

#include "notify.h"

#include "clock.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#ifdef HAVE_SYSTEMD

#include <systemd/sd-daemon.h>

void notify_send(const char *format, ...)
{
	char text[512];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	sd_notify(0, text);
}

int64_t notify_watchdog(void)
{
	uint64_t microseconds;
	return sd_watchdog_enabled(0, &microseconds) > 0 ? (int64_t)microseconds * 1000 / 2 : 0;
}

int notify_sockets(char ***names_r)
{
	return sd_listen_fds_with_names(1, names_r);
}

#else

void notify_send(const char *format, ...)
{
	(void)format;
}

int64_t notify_watchdog(void)
{
	return 0;
}

int notify_sockets(char ***names_r)
{
	*names_r = NULL;
	return 0;
}

#endif

void notify_reloading(void)
{
	notify_send("RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=reloading", (long long)(clock_monotonic() / 1000));
}
