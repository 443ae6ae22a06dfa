/** The mark: the character 回 ("to return") drawn in one stroke that comes home to a point. Keep equal to mark.svg. */
export function Mark({ size }: { size: number }) {
  return (
    <svg className="mark" width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true">
      <path
        d="M4 23V9a5 5 0 0 1 5-5h14a5 5 0 0 1 5 5v14a5 5 0 0 1-5 5H13a3 3 0 0 1-3-3V13a3 3 0 0 1 3-3h6a3 3 0 0 1 3 3v5"
        stroke="var(--accent)"
        strokeWidth="3.2"
        strokeLinecap="round"
      />
      <circle cx="16.2" cy="19.6" r="2.9" fill="var(--point)" />
    </svg>
  );
}
