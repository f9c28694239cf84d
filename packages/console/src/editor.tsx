/** The payload editor: CodeMirror, loaded only where somebody edits. With `original`, changed lines are marked. */
import { json } from '@codemirror/lang-json';
import { unifiedMergeView } from '@codemirror/merge';
import { oneDark } from '@codemirror/theme-one-dark';
import { useComputedColorScheme } from '@mantine/core';
import { basicSetup, EditorView } from 'codemirror';
import { useEffect, useRef } from 'react';
import { nonce } from './nonce.ts';

export default function Editor({
  value,
  original,
  onChange,
  label,
  readOnly = false,
}: {
  readonly value: string;
  readonly original?: string;
  readonly onChange?: (value: string) => void;
  readonly label: string;
  readonly readOnly?: boolean;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView>(null);
  const report = useRef(onChange);
  report.current = onChange;
  const scheme = useComputedColorScheme('light');
  useEffect(() => {
    const editor = new EditorView({
      parent: holder.current as HTMLDivElement,
      doc: view.current?.state.doc ?? value,
      extensions: [
        basicSetup,
        json(),
        EditorView.lineWrapping,
        EditorView.cspNonce.of(nonce),
        EditorView.editable.of(!readOnly),
        EditorView.contentAttributes.of({ 'aria-label': label, ...(readOnly && { tabindex: '0' }) }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) report.current?.(update.state.doc.toString());
        }),
        EditorView.theme({
          '&': { fontSize: '13px', maxHeight: '55vh' },
          '.cm-scroller': { overflow: 'auto' },
          '.cm-content': { minHeight: '140px' },
        }),
        ...(scheme === 'dark' ? [oneDark] : []),
        ...(original === undefined ? [] : [unifiedMergeView({ original, mergeControls: false })]),
      ],
    });
    view.current = editor;
    return () => editor.destroy();
  }, [scheme, original, readOnly]);
  return <div ref={holder} />;
}
