// Counts what a check command tries, and ends it with `N passed, N failed` alone on the last line.

let passed = 0,
  failed = 0

/** Tries one thing: what it throws is why it failed, and what comes after is tried all the same. */
export async function check(what, work) {
  try {
    await work()
    passed++
    console.log(`ok    ${what}`)
  } catch (error) {
    failed++
    console.log(`FAIL  ${what}\n      ${error.message.split('\n').slice(0, 12).join('\n      ')}`)
  }
}

/** Says the counts; the process is to end with what this gives. */
export function counts() {
  console.log(`${passed} passed, ${failed} failed`)
  return failed > 0 ? 1 : 0
}
