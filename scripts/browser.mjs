// The system's Chromium, for commands that try pages in it.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'

/** Starts it; a command that needs it ends with 66 where there is none. */
export async function startBrowser(command) {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium'
  if (!existsSync(executablePath)) {
    console.error(`${command}: there is no ${executablePath}; apt-get install chromium, or name one by CHROMIUM`)
    process.exit(66)
  }
  return chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  })
}
/** How a page is looked at. */
export const looks = [
  ['light', { viewport: { width: 1280, height: 800 } }],
  ['dark', { viewport: { width: 1280, height: 800 }, colorScheme: 'dark' }],
  ['a phone', { viewport: { width: 390, height: 844 }, hasTouch: true }],
]
