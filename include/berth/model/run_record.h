/* SPDX-License-Identifier: ISC */
/*
 * The record of a run that ended, as receivers that keep one of each run get it (the audit in git). Who makes what:
 *
 *   the engine puts a delivery of event DELIVERY_RECORD with {"author": {"name","email"}, "message", "file": {…}}: all that its rows say;
 *   the supervisor, when the audit entries of the same transaction are stored, adds the store's id and the part of the chain, and replaces the payload by
 *   {"run", "path", "file", "commit"}: the file's text and what the commit says after its tree and parent. In the same transaction the chain gets an entry
 *   RECORD_ACTION whose detail holds {"path", "file", "commit", "to"}: the SHA-256 of both texts, and the repositories and refs it goes to.
 *
 * So the record anchors the chain outside, and the chain proves the record: neither can be changed without the other showing it. Both texts come from
 * the run alone; delivered again they are the same bytes, and with the same parent the same commit.
 */
#ifndef BERTH_MODEL_RUN_RECORD_H
#define BERTH_MODEL_RUN_RECORD_H

#define RECORD_ACTION "run.recorded"
#define RECORD_FOLDER \
    "runs/" /* runs/STORE/YYYY/MM/NNNNNN.json; -2 and so on before .json for each time it ended again */
#define RECORD_EMAIL "berth@localhost"
#define RECORD_COMMITTER "berth <" RECORD_EMAIL ">"

#endif
