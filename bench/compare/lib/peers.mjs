// Peers are installed in this folder and nowhere else; one that is not there is not run.

/**
 * What `run` makes of the contender's module, or why it cannot run here.
 *
 * @param {string} name of the npm package
 * @param {() => Promise<any>} load imports the contender's module
 * @param {(contender: any) => Promise<any>} run
 * @param {string} [remedy]
 */
export async function withPeer(name, load, run, remedy = 'npm ci in bench/compare') {
  let contender
  try {
    contender = await load()
  } catch (error) {
    const isMissing = error.code === 'ERR_MODULE_NOT_FOUND' && error.message.includes(`'${name}'`)
    if (!isMissing) throw error
    return { notRun: `${name} is not installed: ${remedy}` }
  }
  return run(contender)
}
