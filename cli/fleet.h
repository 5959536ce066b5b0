/* fleet.h - walking over all devices in the order of their MACs, some hundred at a time, so that a fleet of any size takes a page's memory. */
#ifndef DIALTONE_FLEET_H
#define DIALTONE_FLEET_H

#include "cli.h"
#include "phone.h"

struct fleet;
/* Enabled devices of enabled tenants; of one tenant if it is not NULL. Needs NEED_STORE. */
struct fleet *fleet_new(struct cli *cli, const char *tenant);
void fleet_free(struct fleet **fleet);
/* 1: *phone_r is the next device, fetched; it lives until the next call. 0: no more. -1: *error. A device that goes away between page and fetch is
 * passed over. */
int fleet_next(struct fleet *fleet, struct phone **phone_r, struct error *error);

#endif
