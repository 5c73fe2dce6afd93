/** Names that Node or a library under it reads once, before the first line of a program. */
const readAtStartup = /^(?:NODE_|LD_|LC_|UV_|OPENSSL_|MALLOC_|GLIBC_|ICU_|GCONV_)|^(?:LANG|LANGUAGE|LOCPATH|TZDIR)$/;
/** Of these prefixes, what only programs read, and what Node reads when it is used. */
const readLater = /^NODE_(?:ENV|APP_INSTANCE|CONFIG\w*|NAME|PORT|HOST|VERSION|TLS_REJECT_UNAUTHORIZED)$/;

/** The part of an environment with which a program must be executed, since it comes too late afterwards. */
export function startupEnvironment(env: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => readAtStartup.test(name) && !readLater.test(name)));
}
