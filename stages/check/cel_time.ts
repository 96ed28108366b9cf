/**
 * Times in expressions, the same on every machine. The library takes a text without a zone for local time, and reads
 * hours and days of a zone, and days of a year, by way of local time: these functions stand in their places.
 */
import type { Environment } from '@marcbachmann/cel-js'

const TIME = 'google.protobuf.Timestamp'
/** RFC 3339, as the language asks for: with a zone. */
const INSTANT = /^(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/

/** What is replaced, by what it is called in the library; each. */
const parts: Readonly<Record<string, (utc: Date) => number>> = {
  getFullYear: utc => utc.getUTCFullYear(),
  getMonth: utc => utc.getUTCMonth(),
  getDate: utc => utc.getUTCDate(),
  getDayOfMonth: utc => utc.getUTCDate() - 1,
  getDayOfWeek: utc => utc.getUTCDay(),
  getDayOfYear: utc => (utc.getTime() - new Date(utc).setUTCMonth(0, 1)) / 86_400_000,
  getHours: utc => utc.getUTCHours(),
  getMinutes: utc => utc.getUTCMinutes(),
  getSeconds: utc => utc.getUTCSeconds(),
  getMilliseconds: utc => utc.getUTCMilliseconds(),
}

/** Names that are to be replaced in an expression. */
export const isReplaced = (name: string): boolean => name === 'timestamp' || Object.hasOwn(parts, name)
/** What stands in the place of such a name, and back. */
export const inPlaceOf = (name: string): string => `${name}_`
export const named = (said: string): string => said.replace(/\b(timestamp|get[A-Z]\w*)_\b/g, '$1')

/** Adds what stands in the places of those names. */
export function withTimes(environment: Environment): Environment {
  environment.registerFunction(`timestamp_(string): ${TIME}`, instantIn)
  environment.registerFunction(`timestamp_(int): ${TIME}`, (seconds: bigint) =>
    inRange(new Date(Number(seconds) * 1000)),
  )
  for (const [name, part] of Object.entries(parts)) {
    environment.registerFunction(`${TIME}.${name}_(): int`, (time: Date) => BigInt(part(time)))
    environment.registerFunction(`${TIME}.${name}_(string): int`, (time: Date, zone: string) =>
      BigInt(part(inZone(time, zone))),
    )
  }
  return environment
}

function instantIn(text: string): Date {
  const [, day, time, fraction = '', zone] = INSTANT.exec(text) ?? []
  if (day === undefined) throw new Error(`'${text}' is no time with a zone, as 2024-01-31T10:00:00Z`)
  return inRange(new Date(`${day}T${time}${fraction.slice(0, 4)}${zone.toUpperCase()}`))
}

/** The years 1 to 9999. */
function inRange(time: Date): Date {
  if (time.getTime() >= -62_135_596_800_000 && time.getTime() <= 253_402_300_799_999) return time
  throw new Error('a time is in the years 1 to 9999')
}

const formats = new Map<string, Intl.DateTimeFormat>()

/** The instant at which UTC shows what a zone shows at this one. Throws where there is no such zone. */
function inZone(time: Date, zone: string): Date {
  const [, sign, hours, minutes] = /^([+-]?)(\d\d):(\d\d)$/.exec(zone) ?? []
  if (hours !== undefined) {
    const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
    return new Date(time.getTime() + offset * 60_000)
  }
  let format = formats.get(zone)
  if (!format) {
    const numeric = 'numeric' as const
    format = new Intl.DateTimeFormat('en-US', {
      ...{ timeZone: zone, calendar: 'iso8601', hourCycle: 'h23' },
      ...{ year: numeric, month: numeric, day: numeric, hour: numeric, minute: numeric, second: numeric },
    })
    formats.set(zone, format)
  }
  const at = Object.fromEntries(format.formatToParts(time).map(({ type, value }) => [type, Number(value)])),
    shown = new Date(0)
  shown.setUTCFullYear(at.year, at.month - 1, at.day)
  shown.setUTCHours(at.hour, at.minute, at.second, time.getUTCMilliseconds())
  return shown
}
