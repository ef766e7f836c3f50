import DOMPurify from 'dompurify'
import { Marked, type Token } from 'marked'

/** What models write, made safe to show: no scripts, styles, forms or pictures from elsewhere. */

type Block = { kind: 'html'; html: string } | { kind: 'code'; language: string; code: string }

const marked = new Marked({
  gfm: true,
  renderer: {
    // A picture would be fetched from whoever the model names, and tell them who reads.
    image({ href, text }) {
      return `<a href="${escapeHtml(href)}">${escapeHtml(text === '' ? href : text)}</a>`
    },
    html({ text }) {
      return escapeHtml(text)
    },
    checkbox({ checked }) {
      return checked ? '☑ ' : '☐ '
    },
  },
})

const purify = DOMPurify(window)
purify.addHook('afterSanitizeAttributes', node => {
  if (node.tagName !== 'A') return
  node.setAttribute('target', '_blank')
  node.setAttribute('rel', 'noopener noreferrer nofollow')
})

const ALLOWED_TAGS = [
  ...[
    'a',
    'blockquote',
    'br',
    'code',
    'del',
    'em',
    'h1',
    'h2',
    'h3',
    'h4',
    'h5',
    'h6',
    'hr',
    'li',
    'ol',
    'p',
  ],
  ...['pre', 'strong', 'table', 'tbody', 'td', 'th', 'thead', 'tr', 'ul'],
]
const ALLOWED_ATTR = ['href', 'start', 'align', 'target', 'rel']

/** Blocks that stand one under the other; while a text grows, all but the last stay as they are. */
function lexBlocks(text: string): Token[] {
  return marked.lexer(text).filter(({ type }) => type !== 'space')
}

function renderBlock(token: Token): Block {
  if (token.type === 'code') {
    return { kind: 'code', language: (token.lang ?? '').split(/\s/)[0] ?? '', code: token.text as string }
  }
  // Headings of an answer stand below those of the page.
  const html = marked
    .parser([token])
    .replace(/<(\/?)h([1-4])>/g, (_, end: string, level: string) => `<${end}h${Number(level) + 2}>`)
  return { kind: 'html', html: sanitize(html) }
}

/** The code blocks of a text, in order. */
function codeBlocks(text: string): { language: string; code: string }[] {
  return lexBlocks(text).flatMap(token => {
    const block = token.type === 'code' ? renderBlock(token) : null
    return block?.kind === 'code' ? [block] : []
  })
}

function sanitize(html: string): string {
  return purify.sanitize(html, { ALLOWED_TAGS, ALLOWED_ATTR, ALLOW_DATA_ATTR: false })
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)
}

/** All of it in one piece, as it is loaded when it is needed. */
export const markdown = { lexBlocks, renderBlock, codeBlocks }
