import { useEffect, useLayoutEffect, useRef } from 'react'
import type { Message } from './model/conversation.ts'
import { Turn, type TurnActions } from './turn.tsx'

/** Nearer to the end than this, one is at the end. */
const AT_END_PX = 48

/** The conversation; it keeps to its end while an answer grows, unless the person reads further up. */
export function Thread(props: {
  path: readonly Message[]
  siblings: (message: Message) => readonly Message[]
  actions: TurnActions
  isBusy: boolean
}) {
  const { path } = props
  const scroller = useRef<HTMLElement>(null)
  const follows = useRef(true)
  const last = path.at(-1)
  const count = path.length

  // A new question goes to the top, and the answer has the room beneath it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: another length of the conversation calls for it
  useLayoutEffect(() => {
    follows.current = true
    scrollToEnd(scroller.current)
  }, [count])
  // biome-ignore lint/correctness/useExhaustiveDependencies: more text calls for it
  useLayoutEffect(() => {
    if (follows.current) scrollToEnd(scroller.current)
  }, [last])
  useEffect(() => {
    const element = scroller.current!
    const look = () => {
      follows.current = element.scrollHeight - element.scrollTop - element.clientHeight < AT_END_PX
    }
    element.addEventListener('scroll', look, { passive: true })
    return () => element.removeEventListener('scroll', look)
  }, [])

  const turns = pairs(path)
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section className="thread" ref={scroller} aria-label="Conversation" tabIndex={0}>
      <div className="thread-body">
        {turns.map((turn, index) => (
          <div key={turn[0]!.id} className="exchange" data-last={index === turns.length - 1}>
            {turn.map(message => (
              <Turn
                key={message.id}
                message={message}
                siblings={props.siblings(message)}
                actions={props.actions}
                isBusy={props.isBusy}
              />
            ))}
          </div>
        ))}
      </div>
      <p className="visually-hidden" role="status">
        {last?.answer == null ? '' : SAID[last.answer.state]}
      </p>
    </section>
  )
}

const SAID = {
  waiting: 'The question is on its way.',
  streaming: 'The answer is coming.',
  done: 'The answer is complete.',
  stopped: 'The answer was stopped.',
  failed: 'The answer failed.',
} as const

/** Questions with their answers. */
function pairs(path: readonly Message[]): Message[][] {
  const turns: Message[][] = []
  for (const message of path) {
    if (message.role === 'user' || turns.length === 0) turns.push([message])
    else turns.at(-1)!.push(message)
  }
  return turns
}

function scrollToEnd(element: HTMLElement | null): void {
  if (element !== null) element.scrollTop = element.scrollHeight
}
