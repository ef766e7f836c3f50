import { type ReactNode, useEffect, useId, useRef } from 'react'
import { IconButton } from './button.tsx'

/** A question or a form over the page. Escape and a press beside it close it; focus comes back by itself. */
export function Dialog(props: {
  title: string
  isOpen: boolean
  onClose: () => void
  /** At the end, from the least to the most important. */
  actions?: ReactNode
  children: ReactNode
}) {
  const id = useId()
  const dialog = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    if (props.isOpen && dialog.current?.open === false) dialog.current.showModal()
    else if (!props.isOpen) dialog.current?.close()
  }, [props.isOpen])
  return (
    <dialog ref={dialog} className="dialog" aria-labelledby={id} closedby="any" onClose={props.onClose}>
      {props.isOpen ? (
        <>
          <div className="dialog-head">
            <h2 id={id}>{props.title}</h2>
            <IconButton label="Close" icon="close" onClick={props.onClose} />
          </div>
          <div className="dialog-body">{props.children}</div>
          {props.actions === undefined ? null : <div className="dialog-actions">{props.actions}</div>}
        </>
      ) : null}
    </dialog>
  )
}
