#!/usr/bin/env node
// The command `sluice`.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 12)) {
  console.error(
    `sluice: this is Node ${process.versions.node}, and Sluice needs 20.12 or newer: install it and run again`,
  )
  process.exit(78)
}
const { main } = await import('../index.mjs').catch(error => {
  if (error.syscall === undefined) throw error
  // nothing is loaded yet that could say so
  const isShort = ['EMFILE', 'ENFILE'].includes(error.code)
  console.error(
    `sluice: its own files cannot be read (${error.message})${isShort ? '; let a process open 1,024 files, as by `ulimit -n 1024`, and run again' : ''}`,
  )
  process.exit(74)
})

const code = await main(process.argv.slice(2))
process.exitCode = code
// a stage that is still at work may end the process with another one
process.on('exit', () => {
  process.exitCode = code
})
