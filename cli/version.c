/* version.c - `dialtone version`. */
#include "config.h"

#include "cli.h"
#include "verbs.h"

#include "output.h"

#include <openssl/crypto.h>
#include <mysql.h>
#include <stdio.h>

int verb_version(struct cli *cli, int argc, char **argv)
{
	if (!cli_parse(cli, argc, argv, NULL, 0, 0, NULL))
		return cli->status;
	if (cli->json)
		output_json_print(json_pack("{s:s, s:i, s:s, s:s, s:s}", "version", PACKAGE_VERSION, "schema", DB_SCHEMA_VERSION_MAX, "mysql_library",
			MYSQL_LIBRARY, "mysql_client", mysql_get_client_info(), "openssl", OpenSSL_version(OPENSSL_VERSION_STRING)));
	else
		printf("dialtone %s\nschema %d\n%s %s\nOpenSSL %s\n", PACKAGE_VERSION, DB_SCHEMA_VERSION_MAX, MYSQL_LIBRARY, mysql_get_client_info(),
			OpenSSL_version(OPENSSL_VERSION_STRING));
	return CLI_OK;
}
