import { button, element, offer, set, write } from '../dom.ts'
import { toEventStream, toJsonLines } from '../export.ts'
import { type Filter, filterOf } from '../filter.ts'
import { bytes, clock, count, sizeOf } from '../format.ts'
import type { InspectedStream } from '../model.ts'
import { RowWindow } from '../row-window.ts'
import { describe, type Row } from '../rows.ts'
import { EventDetails } from './event-details.ts'
import type { Controls, Scene, View } from './view.ts'

/** Characters of an event's data that its line shows. */
const SHOWN = 300

/** How many lines a log can be told to keep. */
const KEEPS = [500, 2_000, 10_000]

/** The log of the chosen stream. */
export class Events implements View {
  readonly title = 'Events'
  readonly element: HTMLElement
  readonly #controls: Controls
  readonly #name = element('select', { 'aria-label': 'Name', oninput: () => this.#choose() })
  readonly #text = element('input', {
    type: 'search',
    placeholder: 'Filter',
    'aria-label': 'Filter by text in name, ID or data',
    'aria-describedby': 'problem',
    spellcheck: 'false',
    oninput: () => this.#choose(),
  })
  readonly #expression = element('input', { type: 'checkbox', onchange: () => this.#choose() })
  readonly #problem = element('span', { class: 'error', id: 'problem' })
  readonly #pause = button('Pause', () => this.#togglePause(), { 'aria-pressed': 'false' })
  readonly #status = element('span', { class: 'quiet' })
  readonly #window = new RowWindow<Row>(
    'Events',
    (line, row) => this.#fill(line, row),
    (row) => this.#show(row),
  )
  readonly #details = new EventDetails(() => this.#show(undefined))
  #filter: Filter = filterOf({ name: '', text: '', isExpression: false })
  #scene: Scene | undefined
  #stream: InspectedStream | undefined
  /** The log as it was when it was paused, and the number of its last row. */
  #paused: { rows: readonly Row[]; readonly upTo: number } | undefined
  /** Rows that match, up to the row of this number. */
  #matching: Row[] = []
  #seen = 0
  /** Events do not change, so their lines need not be written again. */
  readonly #written = new WeakMap<HTMLElement, Row>()

  constructor(controls: Controls) {
    this.#controls = controls
    const keep = element(
      'select',
      {
        'aria-label': 'Keep',
        onchange: () => {
          const { model } = this.#scene as Scene
          model.keep = Number(keep.value)
        },
      },
      ...KEEPS.map((lines) => element('option', { value: lines }, `Keep ${lines}`)),
    )
    keep.value = String(KEEPS[1])
    const save = (what: string, type: string, write: (rows: readonly Row[]) => string) =>
      button(`Export ${what}`, () => download(write(this.#matching), `events.${what.toLowerCase()}`, type))
    this.element = element(
      'div',
      { class: 'log' },
      element(
        'div',
        { class: 'tools' },
        this.#name,
        this.#text,
        element('label', { class: 'choice' }, this.#expression, 'Regular expression'),
        this.#problem,
        this.#pause,
        button('Clear', () => this.#clear()),
        keep,
        save('JSONL', 'application/jsonl', toJsonLines),
        save('SSE', 'text/event-stream', toEventStream),
        this.#status,
      ),
      element('div', { class: 'split' }, this.#window.element, this.#details.element),
    )
  }

  update(scene: Scene): void {
    // What was shown as it is may be masked now.
    if (scene.words !== this.#scene?.words) this.#show(undefined)
    this.#scene = scene
    const { chosen } = scene
    if (chosen !== this.#stream) this.#turnTo(chosen)
    const names = [...(chosen?.names.keys() ?? [])].sort()
    offer(this.#name, [['', 'All names'], ...names.map((name) => [name, name] as const)])
    this.#sift()
    const last = chosen?.rows.at(-1)?.number ?? 0
    write(this.#status, this.#statusOf(chosen, this.#paused ? last - this.#paused.upTo : 0))
  }

  #statusOf(chosen: InspectedStream | undefined, waiting: number): string {
    if (chosen === undefined) return 'No stream is open.'
    if (!chosen.life.isYours && !chosen.isGone)
      return 'This tab does not listen to the stream, so it is not told its events.'
    const shown = count(this.#matching.length, 'line')
    return waiting > 0 ? `${shown}, ${waiting} more since the pause` : shown
  }

  #turnTo(stream: InspectedStream | undefined): void {
    this.#stream = stream
    this.#name.value = ''
    if (this.#paused) this.#togglePause()
    this.#show(undefined)
    this.#choose()
  }

  #choose(): void {
    const { value: text } = this.#text
    this.#filter = filterOf({ name: this.#name.value, text, isExpression: this.#expression.checked })
    const { problem } = this.#filter
    write(this.#problem, problem)
    set(this.#text, 'aria-invalid', problem !== '' && 'true')
    this.#matching = []
    this.#seen = 0
    this.#sift()
  }

  /** Takes in what has come, and out what is not kept any more. */
  #sift(): void {
    const rows = this.#paused?.rows ?? this.#stream?.rows ?? []
    const first = rows[0]?.number ?? Number.POSITIVE_INFINITY
    const kept = this.#matching.findIndex(({ number }) => number >= first)
    const lost = kept < 0 ? this.#matching.length : kept
    // Numbers leave nothing out.
    const added = rows.slice(Math.max(this.#seen + 1 - first, 0)).filter((row) => this.#filter.matches(row))
    this.#seen = rows.at(-1)?.number ?? this.#seen
    this.#matching = [...this.#matching.slice(lost), ...added]
    this.#window.show(this.#matching, lost)
  }

  #togglePause(): void {
    const rows = this.#stream?.rows ?? []
    this.#paused = this.#paused ? undefined : { rows: [...rows], upTo: rows.at(-1)?.number ?? 0 }
    set(this.#pause, 'aria-pressed', String(this.#paused !== undefined))
    write(this.#pause, this.#paused ? 'Go on' : 'Pause')
    this.#controls.refresh()
  }

  #clear(): void {
    if (this.#stream) this.#scene?.model.clear(this.#stream)
    if (this.#paused) this.#paused.rows = []
    this.#show(undefined)
    this.#controls.refresh()
  }

  #show(row: Row | undefined): void {
    if (this.#scene) this.#details.show(row, this.#scene.words)
    if (row === undefined) this.#window.choose(undefined)
  }

  #fill(line: HTMLElement, row: Row): void {
    const isEvent = row.type === 'event'
    const isEmpty = line.childElementCount === 0
    if (isEvent && !isEmpty && this.#written.get(line) === row) return
    this.#written.set(line, row)
    if (isEmpty)
      line.append(...['time', 'name', 'id', 'size', 'data'].map((part) => element('span', { class: part })))
    const [time, name, id, size, data] = line.children as unknown as HTMLElement[]
    set(line, 'class', row.type)
    write(time as HTMLElement, clock(row.at))
    write(name as HTMLElement, isEvent ? row.name : '')
    write(id as HTMLElement, isEvent ? row.id : '')
    write(size as HTMLElement, isEvent ? bytes(sizeOf(row.data)) : '')
    write(
      data as HTMLElement,
      isEvent ? row.data.slice(0, SHOWN) : describe(row, (this.#scene as Scene).words),
    )
  }
}

function download(text: string, name: string, type: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }))
  element('a', { href: url, download: name }).click()
  URL.revokeObjectURL(url)
}
