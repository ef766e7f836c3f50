import { memo, useState } from 'react'
import { describeError } from '../../data/api-error.ts'
import { Button, IconButton } from '../../design/button.tsx'
import { Ledger } from './ledger.tsx'
import { isRunning, type Message } from './model/conversation.ts'
import { CopyButton, RichText } from './rich-text.tsx'

export interface TurnActions {
  edit(id: string, text: string): void
  askAgain(id: string): void
  branch(id: string): void
  choose(message: Message): void
  openText(id: string): void
  openCode(id: string, index: number, language: string): void
  openLog(id: string): void
}

interface TurnProps {
  message: Message
  /** Of the same place: other wordings, other answers. */
  siblings: readonly Message[]
  actions: TurnActions
  /** Nothing can be asked while something is being answered. */
  isBusy: boolean
}

export const Turn = memo(function Turn(props: TurnProps) {
  return props.message.role === 'user' ? <Question {...props} /> : <AnswerTurn {...props} />
}, isSameTurn)

function isSameTurn(before: TurnProps, after: TurnProps): boolean {
  return (
    before.message === after.message &&
    before.isBusy === after.isBusy &&
    before.actions === after.actions &&
    before.siblings.length === after.siblings.length
  )
}

function Question({ message, siblings, actions, isBusy }: TurnProps) {
  const [draft, setDraft] = useState<string | null>(null)
  const send = () => {
    if (draft === null || draft.trim() === '') return
    actions.edit(message.id, draft)
    setDraft(null)
  }
  return (
    <article className="turn question" aria-label="Your question">
      {draft === null ? (
        <p className="question-text">{message.text}</p>
      ) : (
        <div className="question-edit">
          <textarea
            className="input"
            aria-label="Your question"
            value={draft}
            // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit here
            autoFocus
            rows={3}
            onChange={event => setDraft(event.target.value)}
            onKeyDown={event => {
              if (event.key === 'Escape') setDraft(null)
              if (event.key === 'Enter' && !event.shiftKey) {
                event.preventDefault()
                send()
              }
            }}
          />
          <div className="form-actions">
            <Button kind="primary" size="s" onClick={send} disabled={isBusy}>
              Ask this instead
            </Button>
            <Button kind="quiet" size="s" onClick={() => setDraft(null)}>
              Cancel
            </Button>
          </div>
        </div>
      )}
      {message.attachments.length === 0 ? null : (
        <ul className="attachments">
          {message.attachments.map(({ name, text }) => (
            <li key={name} title={`${text.length} characters`}>
              {name}
            </li>
          ))}
        </ul>
      )}
      {draft === null ? (
        <div className="turn-actions">
          <Siblings message={message} siblings={siblings} choose={actions.choose} />
          <IconButton
            label="Edit the question"
            icon="edit"
            size={16}
            disabled={isBusy}
            onClick={() => setDraft(message.text)}
          />
        </div>
      ) : null}
    </article>
  )
}

function AnswerTurn({ message, siblings, actions, isBusy }: TurnProps) {
  const answer = message.answer!
  const running = isRunning(answer)
  return (
    <article className="turn answer" aria-label="Answer" aria-busy={running}>
      <Ledger answer={answer} />
      <div className="answer-body" data-state={answer.state}>
        {message.text === '' ? (
          running ? (
            <p className="answer-waiting">
              <span className="roe" aria-hidden="true" />
              <span className="visually-hidden">Waiting for the first words</span>
            </p>
          ) : null
        ) : (
          <RichText
            text={message.text}
            isGrowing={running}
            onOpenCode={(index, language) => actions.openCode(message.id, index, language)}
          />
        )}
        {answer.error === null ? null : <AnswerError error={answer.error} hasText={message.text !== ''} />}
        {answer.state === 'stopped' ? (
          <p className="answer-note">Stopped here. You paid for what had come.</p>
        ) : null}
        {running ? null : (
          <div className="turn-actions">
            <Siblings message={message} siblings={siblings} choose={actions.choose} />
            <CopyButton text={message.text} what="answer" />
            <IconButton
              label="Ask again, or somebody else"
              icon="retry"
              size={16}
              disabled={isBusy}
              onClick={() => actions.askAgain(message.id)}
            />
            <IconButton
              label="Branch from here"
              icon="branch"
              size={16}
              onClick={() => actions.branch(message.id)}
            />
            <IconButton
              label="Open in the canvas"
              icon="canvas"
              size={16}
              onClick={() => actions.openText(message.id)}
            />
            <IconButton
              label="What happened, step by step"
              icon="list"
              size={16}
              onClick={() => actions.openLog(message.id)}
            />
          </div>
        )}
      </div>
    </article>
  )
}

function AnswerError({ error, hasText }: { error: unknown; hasText: boolean }) {
  const { code, message, fix } = describeError(error)
  return (
    <div className="answer-error" role="alert">
      <p>
        {hasText ? 'The answer ended here: ' : ''}
        {message}
        {code === null ? null : <code className="error-code">{code}</code>}
      </p>
      {fix === null ? null : <p className="error-fix">{fix}</p>}
    </div>
  )
}

function Siblings(props: {
  message: Message
  siblings: readonly Message[]
  choose: (message: Message) => void
}) {
  const { message, siblings, choose } = props
  if (siblings.length < 2) return null
  const place = siblings.findIndex(({ id }) => id === message.id)
  const [before, after] = [siblings[place - 1], siblings[place + 1]]
  return (
    <span className="siblings">
      <IconButton
        label="The one before"
        icon="back"
        size={14}
        disabled={before === undefined}
        onClick={() => before && choose(before)}
      />
      {place + 1}/{siblings.length}
      <IconButton
        label="The next one"
        icon="forward"
        size={14}
        disabled={after === undefined}
        onClick={() => after && choose(after)}
      />
    </span>
  )
}
