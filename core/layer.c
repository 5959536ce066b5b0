#include "layer.h"

const char *layer_name(enum layer layer)
{
	static const char *const names[LAYERS] = {
		[LAYER_VENDOR] = "vendor template",
		[LAYER_MODEL] = "model template",
		[LAYER_PROVIDER] = "provider",
		[LAYER_TENANT] = "tenant",
		[LAYER_SITE] = "site",
		[LAYER_PROFILE] = "profile",
		[LAYER_DEVICE] = "device",
		[LAYER_ACCOUNT] = "account",
		[LAYER_LINE] = "line",
	};
	return (unsigned)layer < LAYERS ? names[layer] : "invalid";
}
