/**
 * Is this Node.js new enough? Asked before anything else is loaded.
 *
 * Runs under whatever Node.js a machine has, also one from years ago: nothing newer than plain ES modules in here, and no
 * imports.
 */

/** As `engines` in package.json has it. */
export const leastNodeVersion = '22.19'

/** `errorCatalogue.NODE_TOO_OLD.exit`, said again since errors.ts may not load where this has to. */
export const nodeTooOldExitCode = 70

/**
 * One sentence for whoever started the program under an older Node.js; undefined when it will do.
 *
 * @param version as in `process.versions.node`
 */
export function nodeVersionFault(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [leastMajor = 0, leastMinor = 0] = leastNodeVersion.split('.').map(Number)
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor)) return undefined
  return `meridian: needs Node.js ${leastNodeVersion} or later and was started under ${version}; install a current one from https://nodejs.org, or start it with bin/meridian, or npx, in its own folder, which brings one along.`
}
