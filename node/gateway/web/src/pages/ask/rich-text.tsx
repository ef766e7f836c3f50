import type { Token } from 'marked'
import { memo, useState } from 'react'
import { Store, useStore } from '../../data/store.ts'
import { IconButton } from '../../design/button.tsx'
import { Icon } from '../../design/icon.tsx'
import { useCopy } from '../../design/use-copy.ts'

type Markdown = typeof import('./markdown.ts')['markdown']

const loaded = new Store<Markdown | null>(null)
let loading: Promise<void> | null = null

/** Fetches what reads Markdown; it is not needed to type the first question. */
export function loadMarkdown(): Promise<void> {
  loading ??= import('./markdown.ts').then(
    module => loaded.set(module.markdown),
    () => {
      loading = null
    },
  )
  return loading
}

export function useMarkdown(): Markdown | null {
  return useStore(loaded)
}

/** Opens a code block beside the conversation; by its place among those of the answer. */
type OpenCode = (index: number, language: string) => void

/** A text of a model. One that began to show as plain text does so to its end: nothing moves while it grows. */
export function RichText(props: { text: string; isGrowing: boolean; onOpenCode?: OpenCode }) {
  const markdown = useMarkdown()
  const [beganPlain] = useState(markdown === null && props.isGrowing)
  if (markdown === null || (beganPlain && props.isGrowing)) return <p className="plain-text">{props.text}</p>
  const tokens = markdown.lexBlocks(props.text)
  let codes = 0
  return (
    <div className="rich-text">
      {tokens.map((token, index) => {
        const code = token.type === 'code' ? codes++ : null
        return (
          <TextBlock
            // biome-ignore lint/suspicious/noArrayIndexKey: blocks are only ever added at the end
            key={index}
            raw={token.raw}
            token={token}
            markdown={markdown}
            code={code}
            onOpenCode={props.onOpenCode}
          />
        )
      })}
    </div>
  )
}

interface TextBlockProps {
  raw: string
  token: Token
  markdown: Markdown
  code: number | null
  onOpenCode: OpenCode | undefined
}

const TextBlock = memo(
  function TextBlock({ token, markdown, code, onOpenCode }: TextBlockProps) {
    const block = markdown.renderBlock(token)
    if (block.kind === 'code') {
      const open = onOpenCode === undefined || code === null ? null : () => onOpenCode(code, block.language)
      return <CodeBlock language={block.language} code={block.code} onOpen={open} />
    }
    // biome-ignore lint/security/noDangerouslySetInnerHtml: made safe by DOMPurify
    return <div className="text-block" dangerouslySetInnerHTML={{ __html: block.html }} />
  },
  (before, after) => before.raw === after.raw && before.code === after.code,
)

function CodeBlock(props: { language: string; code: string; onOpen: (() => void) | null }) {
  return (
    <div className="code-block">
      <div className="code-head">
        <span>{props.language === '' ? 'code' : props.language}</span>
        <CopyButton text={props.code} what="code" />
        {props.onOpen === null ? null : (
          <IconButton label="Open in the canvas" icon="canvas" size={16} onClick={props.onOpen} />
        )}
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
      <pre tabIndex={0}>
        <code>{props.code}</code>
      </pre>
    </div>
  )
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const { isCopied, copy } = useCopy(text)
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={isCopied ? 'Copied' : `Copy ${what}`}
      title={`Copy ${what}`}
      onClick={copy}
    >
      <Icon name={isCopied ? 'check' : 'copy'} size={16} />
    </button>
  )
}
