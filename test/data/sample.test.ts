/** The bundled sample: that it is what its sources give, and has the planted faults and no others. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parquetReadObjects } from 'hyparquet'

type Row = { id: string; prompt: string; chosen: string; rejected: string | null; subset: string }
type Truth = { id: string; fault: string; of?: string; detail?: string }

const committed = fileURLToPath(new URL('../../data/sample/', import.meta.url))
const script = fileURLToPath(new URL('../../scripts/sample.mjs', import.meta.url))
const names = ['pairs-en.parquet', 'pairs-de.parquet', 'pairs-chat.parquet']

async function read(folder: string, name: string): Promise<Row[]> {
  const bytes = readFileSync(join(folder, name))
  const file = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer
  return (await parquetReadObjects({ file })) as Row[]
}

const readTruth = (folder: string) =>
  readFileSync(join(folder, 'truth.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Truth)

let rows: Row[]
let truth: Truth[]
let byId: Map<string, Row>
let faults: Map<string, Truth>
const again = mkdtempSync(join(tmpdir(), 'sluice-sample-'))

beforeAll(async () => {
  rows = (await Promise.all(names.map(name => read(committed, name)))).flat()
  truth = readTruth(committed)
  byId = new Map(rows.map(row => [row.id, row]))
  faults = new Map(truth.map(line => [line.id, line]))
})
afterAll(() => rmSync(again, { recursive: true, force: true }))

const whole = (row: Row) => `${row.prompt} ${row.chosen} ${row.rejected ?? ''}`
const words = (text: string) => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []

function shingles(row: Row): Set<string> {
  const list = words(whole(row))
  return new Set(list.slice(4).map((_, i) => list.slice(i, i + 5).join(' ')))
}

function jaccard(a: Set<string>, b: Set<string>): number {
  let both = 0
  for (const shingle of a) if (b.has(shingle)) both++
  return both / (a.size + b.size - both)
}

/**
 * Left side, mark and result of every equation in a text; an equation is arithmetic with at least one operator, `=`, a
 * number.
 */
function equations(text: string) {
  const operand = String.raw`\(*\$?\d[\d,]*(?:\.\d+)?%?(?: [a-z]+)?\)*`
  const pattern = new RegExp(
    String.raw`(${operand}(?:\s*[-+*/]\s*${operand})+)\s*=\s*\$?(?:<<([^<>=]+)=([^<>=]+)>>)?(\d[\d,]*(?:\.\d+)?)`,
    'g',
  )
  return [...text.matchAll(pattern)].map(([written, left, mark, marked, right]) => ({
    written,
    left,
    mark,
    marked,
    right,
  }))
}

// the pattern above lets only digits, operators, brackets, units and signs through
const value = (expression: string) =>
  Number(new Function(`return ${expression.replace(/[$,a-z\s]/g, '').replace(/([\d.]+)%/g, '($1/100)')}`)())

describe('the bundled sample', () => {
  test('is what its sources give, row by row and line by line', async () => {
    execFileSync(process.execPath, [script, again])
    for (const name of names) expect(await read(again, name)).toEqual(await read(committed, name))
    expect(readTruth(again)).toEqual(truth)
  })

  test('has at least 400 pairs, unique ids, the promised subsets and languages', () => {
    expect(rows.length).toBeGreaterThanOrEqual(400)
    expect(byId.size).toBe(rows.length)
    const counts: Record<string, number> = {}
    for (const row of rows) counts[row.subset] = (counts[row.subset] ?? 0) + 1
    expect(counts).toEqual({ instructions: 90, arithmetic: 108, facts: 62, code: 40, safety: 36, german: 61, chat: 50 })
    expect(truth.every(line => byId.has(line.id) && (line.of === undefined || byId.has(line.of)))).toBe(true)
    expect(faults.size).toBe(truth.length)
  })

  test('holds the planted faults, as many as stated', () => {
    const counts: Record<string, number> = {}
    for (const line of truth) counts[line.fault] = (counts[line.fault] ?? 0) + 1
    expect(counts).toEqual({
      identical: 6,
      empty_side: 6,
      exact_duplicate: 8,
      near_duplicate: 10,
      contradictory: 4,
      broken_layout: 6,
      swapped: 30,
    })
    const normal = (row: Row) => whole(row).toLowerCase().replace(/\s+/g, ' ').trim()
    const emptied = { chosen: 0, rejected: 0 }
    for (const { id, fault, of } of truth) {
      const row = byId.get(id)!
      const original = byId.get(of ?? id)!
      if (fault === 'identical') expect(row.rejected).toBe(row.chosen)
      if (fault === 'empty_side') emptied[row.chosen.trim() === '' ? 'chosen' : 'rejected']++
      if (fault === 'empty_side') expect(row.chosen.trim() === '' || row.rejected!.trim() === '').toBe(true)
      if (fault === 'exact_duplicate') expect(normal(row)).toBe(normal(original))
      if (fault === 'exact_duplicate') expect(whole(row)).not.toBe(whole(original))
      if (fault === 'contradictory') {
        expect([row.prompt, row.chosen, row.rejected]).toEqual([original.prompt, original.rejected, original.chosen])
      }
      if (fault === 'near_duplicate') {
        expect(normal(row)).not.toBe(normal(original))
        expect(words(whole(row)).length).toBeGreaterThanOrEqual(60)
        expect(jaccard(shingles(row), shingles(original))).toBeGreaterThanOrEqual(0.8)
      }
    }
    expect(emptied).toEqual({ chosen: 3, rejected: 3 })
  })

  test('breaks the layout of exactly the chat rows that are said to be broken', () => {
    const sound = (row: Row) => {
      if (row.rejected === null) return false
      let messages: { role: string; content: string }[]
      try {
        messages = JSON.parse(row.prompt)
      } catch {
        return false
      }
      const turns = messages.filter((message, i) => !(i === 0 && message.role === 'system'))
      return (
        turns.length % 2 === 1 &&
        turns.every((turn, i) => turn.role === (i % 2 ? 'assistant' : 'user') && turn.content !== '')
      )
    }
    const chats = rows.filter(row => row.subset === 'chat')
    expect(
      chats
        .filter(row => !sound(row))
        .map(row => row.id)
        .sort(),
    ).toEqual(
      truth
        .filter(line => line.fault === 'broken_layout')
        .map(line => line.id)
        .sort(),
    )
    expect(chats.filter(row => row.prompt.startsWith('[{"role":"system"')).length).toBeGreaterThanOrEqual(5)
  })

  test('has no fault that is not in truth.jsonl', () => {
    const copies = new Set(['exact_duplicate', 'near_duplicate', 'contradictory'])
    const own = rows.filter(row => !copies.has(faults.get(row.id)?.fault ?? ''))
    const sets = own.map(shingles)
    const close: string[] = []
    for (let i = 0; i < own.length; i++) {
      for (let j = 0; j < i; j++) if (jaccard(sets[i], sets[j]) >= 0.5) close.push(`${own[j].id} ${own[i].id}`)
    }
    expect(close).toEqual([])
    expect(new Set(own.map(row => row.prompt)).size).toBe(own.length)
    for (const row of rows) {
      if (faults.has(row.id)) continue
      expect(row.chosen.trim(), row.id).not.toBe('')
      expect(row.rejected?.trim(), row.id).toBeTruthy()
      expect(row.rejected, row.id).not.toBe(row.chosen)
    }
  })

  test('computes rightly in every chosen side whose label is right, and ends solutions in different answers', () => {
    let found = 0
    let marked = 0
    const solutions = rows.filter(row => /(?:#### |The answer is |Die Antwort ist )\S+$/.test(row.chosen))
    for (const row of rows) {
      if (faults.get(row.id)?.fault === 'swapped') continue
      for (const { written, left, mark, marked: result, right } of equations(row.chosen)) {
        found++
        expect(value(left), `${row.id}: ${written}`).toBeCloseTo(value(right), 6)
        if (mark === undefined) continue
        marked++
        expect(value(mark), `${row.id}: ${written}`).toBeCloseTo(Number(result), 6)
        expect(value(left), `${row.id}: ${written}`).toBeCloseTo(value(mark), 6)
      }
    }
    expect(found).toBeGreaterThan(300)
    expect(marked).toBe(
      rows.filter(row => faults.get(row.id)?.fault !== 'swapped').flatMap(row => row.chosen.match(/<</g) ?? []).length,
    )
    expect(solutions.length).toBeGreaterThanOrEqual(90)
    const withMarks = solutions.filter(row => row.chosen.includes('<<')).length / solutions.length
    expect(withMarks).toBeGreaterThan(0.4)
    expect(withMarks).toBeLessThan(0.6)
    const last = (text: string) => text.trim().split('\n').at(-1)
    for (const row of solutions) {
      if (!['identical', 'empty_side'].includes(faults.get(row.id)?.fault ?? '')) {
        expect(last(row.chosen), row.id).not.toBe(last(row.rejected!))
      }
    }
  })

  test('does not let length decide', () => {
    const clean = rows.filter(row => !faults.has(row.id))
    const longer = clean.filter(row => row.chosen.length > row.rejected!.length).length / clean.length
    expect(longer).toBeGreaterThan(0.5)
    expect(longer).toBeLessThan(0.6)
  })
})
