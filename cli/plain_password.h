/* plain_password.h - which phones' files hold the SIP password itself, for `dialtone check`: a tenant's, by vendor and by why. */
#ifndef DIALTONE_PLAIN_PASSWORD_H
#define DIALTONE_PLAIN_PASSWORD_H

#include "device.h"
#include "output.h"
#include "render.h"

/* Note the phone in `notes`, an object by group, if what was rendered for it holds the password of one of its lines. */
void plain_password_note(json_t *notes, const struct device *device, const struct parameters *parameters);

/* {"tenant", "vendor", "reason", "message", "devices": [MAC, ...]} by tenant and vendor; a new array. */
json_t *plain_password_list(const json_t *notes);

#endif
