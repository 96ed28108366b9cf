/** Rows to read: a sample of each fate as cards, within a bound of bytes. */
import { inLine, visible } from '../terminal.ts'
import { cardHtml } from './cards.ts'
import { saidText } from './words.ts'
import { counted, cut, html, line, number, percent, shellWord } from './html.ts'
import { headNumber, numberName, numberSaid, type RowLink } from './labels.ts'
import { machine, reasonName, type LinkOf, type Section } from './lost.ts'
import { families, type SaidText, type Shown, type ShownReason, type ShownRow, type ShownRows } from './shape.ts'

/**
 * Bytes of all cards, characters and turns of a side, characters of a head, and of a group how many cards are there
 * without a click, and open, in the first few groups; the others have fewer.
 */
const MOST_BYTES = 3_000_000,
  MOST_CHARACTERS = 1_400,
  MOST_TURNS = 24,
  HEAD = 160,
  UNFOLDED = 6,
  OPEN = 2,
  FULLER = 3
/** Numbers of a card. */
const MOST_NUMBERS = 16
/** Groups beyond it are in report.json alone. */
const MOST_GROUPS = 300

interface Group extends ShownRows {
  readonly id: string
  /** As text. */
  readonly title: string
  /** What a tick says of such a row; undefined where nothing can be decided. */
  readonly decision?: 'keep' | 'drop'
  /** Of rows that something was only noted of: all but the first are folded, and none is open. */
  readonly isAside?: boolean
}

export interface Cards {
  readonly section?: Section
  readonly linkOf: LinkOf
  readonly rowLink: RowLink
}

/** A text that is as long as a card holds, and how much of it is not there. */
function held(said: SaidText, most: number): { said: SaidText; cut: number } {
  if (typeof said === 'string') return { said: cut(said, most), cut: Math.max(0, said.length - most) }
  let room = most,
    lost = 0
  const turns = said.slice(-MOST_TURNS).map(({ role, content }) => {
    const kept = cut(content, Math.max(0, room))
    lost += Math.max(0, content.length - Math.max(0, room))
    room -= content.length
    return { role: cut(role, 40), content: kept }
  })
  return { said: turns, cut: lost + said.slice(0, -MOST_TURNS).reduce((sum, { content }) => sum + content.length, 0) }
}

const numberedSaid = (one: ShownRow['numbers'][number]): string =>
  `${numberName(one.name)}: ${numberSaid(one)}${one.limit === null ? '' : `, limit ${number(one.limit)}`}`

/** What the next run takes of a ticked row: a line of --decisions. */
const decisionLine = (id: string, decision: string): string => visible(JSON.stringify({ id, decision }))

/** `of`: what names the run in commands. */
function cardOf(row: ShownRow, card: string, group: Group, isOpen: boolean, of: string): string {
  const sides = (['prompt', 'chosen', 'rejected'] as const).map(name => {
    const { said, cut } = held(row[name], MOST_CHARACTERS)
    return { name, said, cut: cut + (row.cut?.[name] ?? 0) }
  })
  const [prompt, chosen, rejected] = sides,
    prompted = typeof row.prompt === 'string' ? row.prompt : (row.prompt.at(-1)?.content ?? ''),
    // where the head of the card holds all of it, once is enough
    isWhole = saidText(row.prompt) === prompted && prompted.length <= HEAD && !/\s\s|\n/.test(prompted)
  // a made pair has the numbers of the one that it was made from
  const first = row.made ? undefined : headNumber(row),
    others = row.made ? [] : row.numbers.slice(0, MOST_NUMBERS).filter(one => one !== first && one.value !== null)
  const head = row.made ? line(row.made.type.replace(/_/g, ' '), 40) : first ? numberedSaid(first) : ''
  const facts = [
    ...(others.length > 0 ? [[...new Set(others.map(numberedSaid))].filter(said => said !== head).join(', ')] : []),
    ...(row.partner
      ? [
          `like ${line(row.partner.id)}${row.partner.similarity === null ? '' : `, ${percent(row.partner.similarity)} alike`}`,
        ]
      : []),
    ...(row.made ? [`made from ${line(row.made.parent)}: ${line(row.made.proof, 300)}`] : []),
    ...sides.flatMap(({ name, cut }) => (cut > 0 ? [`${counted(cut, 'character')} of ${name} are not here`] : [])),
  ]
  // a command with what is shown in place of a control would be another id
  const isPlain = inLine(row.id) === row.id && row.id.length <= 200
  const foot = [
    `<span class="mono">${line(row.id, 200)}</span>`,
    `<span>${line(row.file)}, row ${number(row.row, 15)}</span>`,
    isPlain ? `<span class="mono">npx sluice why${html(of)} ${html(shellWord(row.id))}</span>` : '',
    group.decision === undefined
      ? ''
      : `<label hidden><input type="checkbox" data-line="${html(decisionLine(row.id, group.decision))}"> ${group.decision === 'keep' ? 'take it back' : 'leave it out'}</label>`,
  ]
  return [
    `<article id="${card}"${row.part === undefined ? '' : ` data-part="${html(cut(row.part, 80))}"`}><details${isOpen ? ' open' : ''}><summary><span class="say">${line(prompted, HEAD) || '(no prompt)'}</span>`,
    `<span class="num">${head}</span></summary><div class="body">`,
    cardHtml({ prompt: isWhole ? [] : prompt.said, chosen: chosen.said, rejected: rejected.said, facts: [] }, facts),
    `<p class="foot">${foot.filter(Boolean).join(' ')}</p></div></details></article>\n`,
  ].join('')
}

/** What can be decided of rows that went for a reason: a decision spares no row of what is broken. */
const decisionOn = ({ kind }: ShownReason): 'keep' | undefined =>
  kind === 'quality' || kind === 'configured' ? 'keep' : undefined

/** Of `<stage>.<type>` of made pairs, the type in words. */
const typeOf = (name: string): string => name.slice(name.indexOf('.') + 1).replace(/_/g, ' ')

function groupsOf({ rows, reasons, notes }: Shown): Group[] {
  const reasonBy = new Map(reasons.map(reason => [reasonName(reason), reason])),
    noteBy = new Map(notes.map(note => [`${note.stage}.${note.note}`, note]))
  const groups = rows.flatMap((group): Omit<Group, 'id'>[] => {
    if (group.rows.length === 0) return []
    const reason = reasonBy.get(group.name)
    if (reason) {
      const title = `${families[reason.family]}: ${reason.about}`
      return [{ ...group, title, decision: decisionOn(reason) }]
    }
    if (group.rows.some(({ made }) => made)) return [{ ...group, title: `made pairs: ${typeOf(group.name)}` }]
    if (group.name === 'kept') return [{ ...group, title: 'kept: a sample of what came as it was', decision: 'drop' }]
    if (group.name.startsWith('lowest.')) {
      const title = `kept, with the lowest: ${numberName(group.name.slice('lowest.'.length))}`
      return [{ ...group, title, decision: 'drop' }]
    }
    if (group.name.startsWith('lowest_dropped.')) {
      const title = `left out, with the lowest: ${numberName(group.name.slice('lowest_dropped.'.length))}`
      return [{ ...group, title, decision: 'keep' }]
    }
    const about = noteBy.get(group.name)?.about
    return [{ ...group, title: `noted: ${about ?? group.name}`, isAside: true }]
  })
  // those that went as the reasons stand, then what was made, then what stays, and last what was only noted
  const order = [...reasonBy.keys()]
  const placeOf = ({ name, rows, isAside }: Omit<Group, 'id'>) =>
    order.includes(name) ? order.indexOf(name) : order.length + (isAside ? 2 : rows.some(({ made }) => made) ? 0 : 1)
  return groups
    .sort((a, b) => placeOf(a) - placeOf(b))
    .slice(0, MOST_GROUPS)
    .map((group, i) => ({ ...group, id: `g-${i}` }))
}

/** Rows of one source, or of what the data has in its place. */
function partChoice([first]: Shown['parts']): string {
  if ((first?.values.length ?? 0) < 2) return ''
  const options = first.values.map(({ value }) => {
    const name = html(cut(value, 80))
    return `<option value="${name}">${line(value, 60)}</option>`
  })
  const name = line(first.column, 40)
  return `<label class="vh" for="part">${name}</label><select id="part"><option value="">any ${name}</option>${options.join('')}</select>`
}

/** The cards: of each group one, then the second of each, and so on while there is room. */
export function cardsOf(shown: Shown, of: string): Cards {
  const groups = groupsOf(shown),
    drawn = groups.map((): string[] => []),
    places = new Map<ShownRow, string>()
  let room = MOST_BYTES,
    next = 0
  for (let i = 0, some = true; some; i++) {
    some = false
    for (const [g, group] of groups.entries()) {
      if (i >= group.rows.length || drawn[g].length < i) continue
      const id = `r-${next++}`,
        text = cardOf(group.rows[i], id, group, !group.isAside && i < (g < FULLER ? OPEN : 1), of),
        bytes = Buffer.byteLength(text)
      if (bytes > room) continue
      room -= bytes
      drawn[g].push(text)
      places.set(group.rows[i], `#${id}`)
      some = true
    }
  }
  const linkBy = new Map(
    groups.flatMap((group, g) => (drawn[g].length > 0 ? [[group.name, `#${group.id}`] as const] : [])),
  )
  const linkOf: LinkOf = name => linkBy.get(name),
    rowLink: RowLink = row => places.get(row)
  const some = groups.flatMap((group, g) => (drawn[g].length > 0 ? [{ group, cards: drawn[g] }] : []))
  if (some.length === 0) return { linkOf, rowLink }
  const body = some.map(({ group, cards }, g) => {
    const unfolded = group.isAside ? 1 : g < FULLER ? UNFOLDED : OPEN,
      more = cards.slice(unfolded)
    return [
      `<div class="group" id="${group.id}">`,
      `<header><h3>${line(group.title, 160)}</h3><p>${number(cards.length, 15)} of ${number(group.count, 15)} shown ${machine(group.name)}</p></header>`,
      ...cards.slice(0, unfolded),
      more.length > 0
        ? `<details class="rest"><summary>${counted(more.length, 'more', 'more')}</summary>${more.join('')}</details>`
        : '',
      '</div>\n',
    ].join('')
  })
  const options = some.map(
    ({ group }) => `<option value="${group.id}">${line(group.title, 60)} (${number(group.count, 15)})</option>`,
  )
  const tools = `<form class="tools" role="search" hidden><label class="vh" for="which">which rows</label><select id="which"><option value="">all rows</option>${options.join('')}</select>${partChoice(shown.parts)}<label class="vh" for="words">words or ids to search for</label><input id="words" type="search" placeholder="Search words, ids ( / )" autocomplete="off"><button type="button" id="clear">Clear</button><output id="found" for="which part words"></output></form>`
  const tray = `<div class="tray" id="tray" role="group" aria-label="ticked rows" hidden><p><b id="ticked"></b> In a file, such as <code>decisions.jsonl</code>, for <code>npx sluice run … --decisions decisions.jsonl</code> <button type="button" data-copy="lines">copy</button></p><label class="vh" for="lines">decisions, a line each</label><textarea id="lines" readonly rows="4"></textarea></div>`
  return {
    linkOf,
    rowLink,
    section: {
      id: 'rows',
      name: 'Rows',
      title: `${counted(places.size, 'row')} to read`,
      lede: 'A sample of each reason and of what is kept, the same in every run. Words that one side alone has are marked.',
      body: `${tools}${body.join('')}${tray}`,
    },
  }
}
