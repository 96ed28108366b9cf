/** Runs in this process have the keys of those by the command line: without the options that vitest gives to Node. */
process.execArgv = []
