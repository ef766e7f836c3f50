import { type DragEvent, type Ref, useId, useRef, useState } from 'react'
import { DATA_CLASSES } from '../../../../../../protocol/data-class.ts'
import { parseCredits } from '../../../../../../protocol/money.ts'
import { Button, IconButton } from '../../design/button.tsx'
import { readFiles } from './attach.ts'
import type { AskOptions, Attachment } from './model/conversation.ts'

/** What there is to ask, by the name under which it is asked. */
export interface ModelChoice {
  name: string
  /** Tokens of prompt and answer together; null where nobody says. */
  contextTokens: number | null
}

const STRATEGIES = ['balanced', 'cost', 'speed', 'quality', 'privacy', 'geo'] as const
const STRATEGY_NAMES: Record<(typeof STRATEGIES)[number], string> = {
  balanced: 'Balanced',
  cost: 'Cheapest',
  speed: 'Fastest',
  quality: 'Best quality',
  privacy: 'Most private',
  geo: 'Nearest',
}

/** A text has about a token for so many characters. */
const CHARACTERS_PER_TOKEN = 4

export function Composer(props: {
  input: Ref<HTMLTextAreaElement>
  options: AskOptions
  models: readonly ModelChoice[]
  isRunning: boolean
  /** What stands in the way of asking; null for nothing. */
  obstacle: string | null
  onOptions: (change: Partial<AskOptions>) => void
  onSend: (text: string, attachments: readonly Attachment[]) => void
  onStop: () => void
}) {
  const [text, setText] = useState('')
  const [attachments, setAttachments] = useState<readonly Attachment[]>([])
  const [problem, setProblem] = useState<string | null>(null)
  const files = useRef<HTMLInputElement>(null)
  const told = useId()
  const priceError =
    props.options.maxPrice === null || isPrice(props.options.maxPrice)
      ? null
      : 'The price cap is not an amount of credits.'
  const tooLong = contextProblem(text, attachments, props)
  const shown = problem ?? priceError ?? tooLong ?? props.obstacle
  const canSend = text.trim() !== '' && !props.isRunning && priceError === null && props.obstacle === null

  const send = () => {
    if (!canSend) return
    props.onSend(text.trim(), attachments)
    setText('')
    setAttachments([])
    setProblem(null)
  }
  const attach = async (list: FileList | null) => {
    const { attachments: read, problem } = await readFiles([...(list ?? [])], attachments.length)
    setAttachments(now => [...now.filter(({ name }) => read.every(file => file.name !== name)), ...read])
    setProblem(problem)
  }
  const drop = (event: DragEvent) => {
    event.preventDefault()
    void attach(event.dataTransfer.files)
  }

  return (
    <form
      className="composer"
      aria-label="Ask"
      onSubmit={event => {
        event.preventDefault()
        send()
      }}
      onDragOver={event => event.preventDefault()}
      onDrop={drop}
    >
      <div className="composer-body">
        <p className="composer-told" id={told} role="status">
          {shown}
        </p>
        <div className="composer-box">
          {attachments.length === 0 ? null : (
            <ul className="attachments">
              {attachments.map(({ name }) => (
                <li key={name}>
                  {name}
                  <IconButton
                    label={`Leave out ${name}`}
                    icon="close"
                    size={12}
                    onClick={() => setAttachments(now => now.filter(file => file.name !== name))}
                  />
                </li>
              ))}
            </ul>
          )}
          <textarea
            ref={props.input}
            aria-label="Your question"
            aria-describedby={told}
            placeholder="Ask the network …"
            rows={1}
            value={text}
            onChange={event => {
              setText(event.target.value)
              setProblem(null)
            }}
            onKeyDown={event => {
              if (event.key !== 'Enter' || event.shiftKey || event.nativeEvent.isComposing) return
              event.preventDefault()
              send()
            }}
          />
          <div className="composer-row">
            <input
              ref={files}
              type="file"
              multiple
              hidden
              aria-label="Files to attach"
              onChange={event => {
                void attach(event.target.files)
                event.target.value = ''
              }}
            />
            <IconButton label="Attach text files" icon="attach" onClick={() => files.current?.click()} />
            <Options
              options={props.options}
              models={props.models}
              priceError={priceError}
              onChange={props.onOptions}
            />
            {props.isRunning ? (
              <Button
                className="composer-send"
                kind="primary"
                icon="stop"
                aria-label="Stop"
                onClick={props.onStop}
              />
            ) : (
              <Button
                className="composer-send"
                kind="primary"
                icon="send"
                type="submit"
                aria-label="Ask"
                aria-disabled={!canSend}
              />
            )}
          </div>
        </div>
      </div>
    </form>
  )
}

function Options(props: {
  options: AskOptions
  models: readonly ModelChoice[]
  priceError: string | null
  onChange: (change: Partial<AskOptions>) => void
}) {
  const { options, models, onChange } = props
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset does not scroll
    <div className="composer-options" role="group" aria-label="How it is to be answered">
      <select
        className="chip"
        aria-label="Model"
        title="Model"
        value={options.model ?? ''}
        onChange={event => onChange({ model: event.target.value === '' ? null : event.target.value })}
      >
        <option value="">Any model</option>
        {options.model === null || models.some(({ name }) => name === options.model) ? null : (
          <option>{options.model}</option>
        )}
        {models.map(({ name }) => (
          <option key={name}>{name}</option>
        ))}
      </select>
      <select
        className="chip"
        aria-label="Strategy"
        title="What it is optimised for"
        value={options.strategy ?? ''}
        onChange={event =>
          onChange({ strategy: STRATEGIES.find(each => each === event.target.value) ?? null })
        }
      >
        <option value="">Usual strategy</option>
        {STRATEGIES.map(each => (
          <option key={each} value={each}>
            {STRATEGY_NAMES[each]}
          </option>
        ))}
      </select>
      <select
        className="chip"
        aria-label="Privacy class"
        title="How far your words may travel"
        value={options.dataClass ?? ''}
        onChange={event =>
          onChange({ dataClass: DATA_CLASSES.find(each => each === event.target.value) ?? null })
        }
      >
        <option value="">Usual privacy</option>
        {DATA_CLASSES.map(each => (
          <option key={each}>{each}</option>
        ))}
      </select>
      <span className="chip chip-price" data-invalid={props.priceError !== null}>
        <input
          aria-label="Price cap, credits"
          aria-invalid={props.priceError !== null}
          title="The most the answer may cost, credits"
          inputMode="decimal"
          placeholder="No price cap"
          value={options.maxPrice ?? ''}
          onChange={event => onChange({ maxPrice: event.target.value === '' ? null : event.target.value })}
        />
        {options.maxPrice === null ? null : <span aria-hidden="true">credits</span>}
      </span>
    </div>
  )
}

function isPrice(text: string): boolean {
  try {
    return parseCredits(text) > 0n
  } catch {
    return false
  }
}

function contextProblem(
  text: string,
  attachments: readonly Attachment[],
  { options, models }: { options: AskOptions; models: readonly ModelChoice[] },
): string | null {
  const characters = attachments.reduce((sum, file) => sum + file.text.length, text.length)
  const tokens = Math.ceil(characters / CHARACTERS_PER_TOKEN)
  const fitting = models.filter(({ name }) => options.model === null || name === options.model)
  const longest = Math.max(
    0,
    ...fitting.map(({ contextTokens }) => contextTokens ?? Number.POSITIVE_INFINITY),
  )
  if (fitting.length === 0 || tokens <= longest) return null
  return `This is about ${tokens} tokens; ${options.model ?? 'the roomiest model'} takes ${longest}.`
}
