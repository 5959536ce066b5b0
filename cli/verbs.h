/* verbs.h - one function a verb, each in the file of its name. */
#ifndef DIALTONE_VERBS_H
#define DIALTONE_VERBS_H

struct cli;

int verb_keys_new(struct cli *cli, int argc, char **argv);
int verb_secret_set(struct cli *cli, int argc, char **argv);
int verb_secret_rewrap(struct cli *cli, int argc, char **argv);
int verb_secret_status(struct cli *cli, int argc, char **argv);
int verb_secret_derive(struct cli *cli, int argc, char **argv);
int verb_rotate(struct cli *cli, int argc, char **argv);
int verb_db_init(struct cli *cli, int argc, char **argv);
int verb_db_upgrade(struct cli *cli, int argc, char **argv);
int verb_db_check(struct cli *cli, int argc, char **argv);
int verb_check(struct cli *cli, int argc, char **argv);
int verb_render(struct cli *cli, int argc, char **argv);
int verb_explain(struct cli *cli, int argc, char **argv);
int verb_why(struct cli *cli, int argc, char **argv);
int verb_lag(struct cli *cli, int argc, char **argv);
int verb_audit(struct cli *cli, int argc, char **argv);
int verb_credentials(struct cli *cli, int argc, char **argv);
int verb_identify(struct cli *cli, int argc, char **argv);
int verb_conf(struct cli *cli, int argc, char **argv);
int verb_version(struct cli *cli, int argc, char **argv);

#endif
