import { type Ref, useState } from 'react'
import { readableTime } from '../../../../readable.ts'
import { Button, IconButton } from '../../design/button.tsx'
import { TextField } from '../../design/field.tsx'
import type { ConversationSummary } from './model/conversation-db.ts'

/** The conversations that this browser keeps. */
export function Drawer(props: {
  dialog: Ref<HTMLDialogElement>
  list: readonly ConversationSummary[]
  currentId: string
  isKept: boolean
  onOpen: (id: string) => void
  onCreate: () => void
  onRemove: (id: string) => void
  onClose: () => void
}) {
  const [wanted, setWanted] = useState('')
  const shown = props.list.filter(({ title }) => title.toLowerCase().includes(wanted.toLowerCase()))
  return (
    <dialog ref={props.dialog} className="drawer" aria-label="Conversations" closedby="any">
      <div className="drawer-head">
        <h2>Conversations</h2>
        <IconButton label="Close" icon="close" onClick={props.onClose} />
      </div>
      <Button icon="plus" onClick={props.onCreate}>
        New conversation
      </Button>
      {props.list.length < 2 ? null : (
        <TextField
          label="Find a conversation"
          isLabelHidden
          placeholder="Find …"
          value={wanted}
          onChange={event => setWanted(event.target.value)}
        />
      )}
      {props.list.length === 0 ? (
        <p className="drawer-note">None yet. What you ask is kept here.</p>
      ) : (
        <ul className="drawer-list">
          {shown.map(({ id, title, updatedAtMs }) => (
            <li key={id}>
              <button type="button" aria-current={id === props.currentId} onClick={() => props.onOpen(id)}>
                <span>{title}</span>
                <small>{readableTime(new Date(updatedAtMs).toISOString())}</small>
              </button>
              <IconButton
                label={`Delete ${title}`}
                icon="trash"
                size={16}
                onClick={() => props.onRemove(id)}
              />
            </li>
          ))}
        </ul>
      )}
      <p className="drawer-note">
        {props.isKept
          ? 'Kept in this browser only: this node keeps no word of it.'
          : 'This browser keeps nothing: conversations end with the page.'}
      </p>
    </dialog>
  )
}
