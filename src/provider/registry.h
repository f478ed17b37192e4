/* SPDX-License-Identifier: ISC */
/* The list of providers, a line each. A provider's folder defines `const struct provider NAME_provider`. */
#ifndef PROVIDER_REGISTRY_H
#define PROVIDER_REGISTRY_H

#include "berth/provider.h"

/* clang-format off */
#define PROVIDERS(PROVIDER)                                                              \
    PROVIDER(env)      /* secrets: environment variables of berthd */                    \
    PROVIDER(exec)     /* executor: a program of the repository */                       \
    PROVIDER(external) /* executor: what others keep */                                  \
    PROVIDER(file)     /* secrets, artifacts: files of berthd's machine */               \
    PROVIDER(git)      /* branches: a local repository or a mirrored URL */              \
    PROVIDER(http)     /* probe: an endpoint that answers */                             \
    PROVIDER(local)    /* runner: this machine */                                        \
    PROVIDER(tcp)      /* probe: a port that takes connections */                        \
    PROVIDER(terraform) /* executor: a root module, with terraform or OpenTofu */        \
    PROVIDER(webhook)  /* notify: an endpoint that is told */
/* clang-format on */

#define PROVIDER_DECLARE(name) extern const struct provider name##_provider;
PROVIDERS(PROVIDER_DECLARE)
#undef PROVIDER_DECLARE

#endif
