/* SPDX-License-Identifier: ISC */
/* Artifacts as files of berthd's machine: below `dir` of the section, a folder for each run; without one in the run's own folder. */
#ifndef PROVIDER_FILE_ARTIFACTS_H
#define PROVIDER_FILE_ARTIFACTS_H

#include "berth/provider.h"

extern const struct provider_artifacts file_artifacts;

#endif
