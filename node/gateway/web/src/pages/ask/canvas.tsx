import { useEffect, useRef, useState } from 'react'
import { readableSpan } from '../../../../readable.ts'
import { IconButton } from '../../design/button.tsx'
import { EmptyState } from '../../design/empty-state.tsx'
import { saveFile } from '../../design/save-file.ts'
import { type Conversation, isRunning, type Message } from './model/conversation.ts'
import { CopyButton, RichText, useMarkdown } from './rich-text.tsx'

/** What is laid open beside the conversation: an answer, one of its code blocks, or how it came about. */
export interface Pane {
  id: string
  kind: 'text' | 'code' | 'log'
  messageId: string
  /** Of a code block: its place among those of the answer, and its language. */
  code: { index: number; language: string } | null
}

/** More at once are too small to read. */
export const MAX_PANES = 4

export function Canvas(props: {
  panes: readonly Pane[]
  conversation: Conversation
  onClosePane: (id: string) => void
  onClose: () => void
}) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => heading.current?.focus(), [])
  return (
    <section className="canvas" aria-label="Canvas">
      <div className="canvas-head">
        <h2 ref={heading} tabIndex={-1}>
          Canvas
        </h2>
        <IconButton label="Close the canvas" icon="close" onClick={props.onClose} />
      </div>
      {props.panes.length === 0 ? (
        <EmptyState title="Nothing is laid open" level={3}>
          Answers, their code and how they came about can be opened here, up to {MAX_PANES} side by side.
        </EmptyState>
      ) : (
        <div className="canvas-panes" data-count={props.panes.length}>
          {props.panes.map(pane => {
            const message = props.conversation.messages[pane.messageId]
            return message === undefined ? null : (
              <PaneView
                key={pane.id}
                pane={pane}
                message={message}
                onClose={() => props.onClosePane(pane.id)}
              />
            )
          })}
        </div>
      )}
    </section>
  )
}

type View = 'rich' | 'source' | 'preview'
const VIEW_NAMES: Record<View, string> = { rich: 'Text', source: 'Source', preview: 'Preview' }

function PaneView({ pane, message, onClose }: { pane: Pane; message: Message; onClose: () => void }) {
  const markdown = useMarkdown()
  const block =
    pane.code === null
      ? null
      : (markdown?.codeBlocks(message.text)[pane.code.index] ?? { language: '', code: '' })
  const source = block?.code ?? message.text
  const views = viewsOf(pane, block?.language ?? '', source)
  const [chosen, setChosen] = useState<View | null>(null)
  const view = chosen !== null && views.includes(chosen) ? chosen : views[0]
  const title = pane.kind === 'log' ? 'What happened' : block === null ? 'Answer' : block.language || 'Code'
  return (
    <section className="pane" aria-label={title}>
      <div className="pane-head">
        <h3>{title}</h3>
        {views.length < 2 ? null : (
          <div className="segments">
            {views.map(each => (
              <button key={each} type="button" aria-pressed={each === view} onClick={() => setChosen(each)}>
                {VIEW_NAMES[each]}
              </button>
            ))}
          </div>
        )}
        {pane.kind === 'log' ? null : (
          <>
            <CopyButton text={source} what="text" />
            <IconButton
              label="Save as a file"
              icon="save"
              size={16}
              onClick={() => saveFile(fileName(block?.language ?? 'md'), source, 'text/plain')}
            />
          </>
        )}
        <IconButton label={`Close ${title}`} icon="close" size={16} onClick={onClose} />
      </div>
      {pane.kind === 'log' ? (
        <Log message={message} />
      ) : view === 'preview' ? (
        <HtmlFrame html={source} isGrowing={isRunning(message.answer)} />
      ) : view === 'rich' ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
        <section className="pane-text" aria-label="Text" tabIndex={0}>
          <RichText text={source} isGrowing={isRunning(message.answer)} />
        </section>
      ) : (
        <SourceView text={source} />
      )}
    </section>
  )
}

function viewsOf(pane: Pane, language: string, source: string): View[] {
  if (pane.kind === 'text') return ['rich', 'source']
  if (pane.kind === 'log') return []
  const isHtml = /^(html|svg)$/i.test(language) || /^\s*<(!doctype|html|svg)\b/i.test(source)
  if (isHtml) return ['preview', 'source']
  return /^(md|markdown)$/i.test(language) ? ['rich', 'source'] : ['source']
}

function SourceView({ text }: { text: string }) {
  const lines = text.split('\n').length
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="source" aria-label="Source" tabIndex={0}>
      <pre className="source-numbers" aria-hidden="true">
        {Array.from({ length: lines }, (_, line) => line + 1).join('\n')}
      </pre>
      <pre>
        <code>{text}</code>
      </pre>
    </section>
  )
}

/**
 * HTML that a model wrote, in a frame of an origin of its own: its scripts run, and reach neither this page nor the
 * network. While it grows it is drawn anew now and then, not with each word.
 */
function HtmlFrame({ html, isGrowing }: { html: string; isGrowing: boolean }) {
  const frame = useRef<HTMLIFrameElement>(null)
  const [drawn, setDrawn] = useState(html)
  useEffect(() => {
    if (!isGrowing) return setDrawn(html)
    const timer = setTimeout(() => setDrawn(html), REDRAW_MS)
    return () => clearTimeout(timer)
  }, [html, isGrowing])
  useEffect(() => {
    const answer = (event: MessageEvent) => {
      const { contentWindow } = frame.current ?? {}
      // Its origin is nobody's: it is known by its window.
      if (event.data === 'ready' && event.source === contentWindow) contentWindow?.postMessage(drawn, '*')
    }
    window.addEventListener('message', answer)
    return () => window.removeEventListener('message', answer)
  }, [drawn])
  return (
    <iframe
      ref={frame}
      key={drawn}
      className="html-frame"
      title="Preview of the HTML"
      src="/frame.html"
      sandbox="allow-scripts"
      referrerPolicy="no-referrer"
    />
  )
}
const REDRAW_MS = 500

function Log({ message }: { message: Message }) {
  const { log = [], startedAtMs = 0 } = message.answer ?? {}
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="log" aria-label="Log" tabIndex={0}>
      <ol>
        {log.map(({ atMs, text }, index) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines are only ever added
          <li key={index}>
            <time>
              {atMs - startedAtMs < 1_000 ? `${atMs - startedAtMs} ms` : readableSpan(atMs - startedAtMs)}
            </time>
            <span>{text}</span>
          </li>
        ))}
      </ol>
    </section>
  )
}

const EXTENSIONS: Readonly<Record<string, string>> = {
  javascript: 'js',
  typescript: 'ts',
  python: 'py',
  markdown: 'md',
  rust: 'rs',
  bash: 'sh',
  shell: 'sh',
}

function fileName(language: string): string {
  const known = EXTENSIONS[language.toLowerCase()] ?? language.toLowerCase()
  return `shoal-answer.${/^[a-z0-9]{1,8}$/.test(known) ? known : 'txt'}`
}
