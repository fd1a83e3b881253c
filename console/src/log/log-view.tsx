import { useLayoutEffect, useRef } from 'preact/hooks';
import { clock } from '../words.ts';
import { htmlOf } from './ansi.ts';
import type { Line, Lines } from './lines.ts';
import { markIn, type Search } from './search.ts';
import { useVirtualRows, type Rows } from './virtual-rows.ts';

const ROW_PX = 20;
/** Closer to the end than this counts as at the end. */
const NEAR_PX = 24;

interface Props {
  lines: Lines;
  /** Changes whenever the lines do. */
  version: number;
  isFollowing: boolean;
  onFollow: (isFollowing: boolean) => void;
  hasTimes: boolean;
  isWrapped: boolean;
  search: Search;
  /** Line to show, of the search's. */
  current: number | undefined;
}

export function LogView({ lines, version, isFollowing, onFollow, hasTimes, isWrapped, search, current }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const rows = useVirtualRows({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PX,
    overscan: 10,
  });

  const scrolled = useRef(0);
  const onScroll = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const isAtEnd = element.scrollTop + element.clientHeight >= element.scrollHeight - NEAR_PX;
    // More lines move the end away without anybody's doing: only going back is a wish to stay.
    if (isAtEnd) onFollow(true);
    else if (element.scrollTop < scrolled.current) onFollow(false);
    scrolled.current = element.scrollTop;
  };

  useLayoutEffect(() => {
    if (isFollowing && scroller.current !== null) scroller.current.scrollTop = scroller.current.scrollHeight;
  });
  useLayoutEffect(() => rows.measure(), [isWrapped]);
  useLayoutEffect(() => {
    if (current !== undefined) rows.scrollToIndex(current, { align: 'center' });
  }, [current]);
  useLayoutEffect(() => {
    if (scroller.current !== null) markIn(scroller.current, search);
  });

  return (
    <div
      class={`log-lines${isWrapped ? ' is-wrapped' : ''}`}
      ref={scroller}
      onScroll={onScroll}
      tabIndex={0}
      role="region"
      aria-label="Log"
      data-version={version}
      data-lines={lines.length}
    >
      <div class="log-all" style={{ height: `${rows.getTotalSize()}px` }}>
        <Visible rows={rows} lines={lines} hasTimes={hasTimes} isWrapped={isWrapped} current={current} />
      </div>
    </div>
  );
}

interface VisibleProps extends Pick<Props, 'lines' | 'hasTimes' | 'isWrapped' | 'current'> {
  rows: Rows;
}

function Visible({ rows, lines, hasTimes, isWrapped, current }: VisibleProps) {
  const items = rows.getVirtualItems();
  return (
    <div class="log-visible" style={{ transform: `translateY(${items[0]?.start ?? 0}px)` }}>
      {items.map(({ index }) => {
        const line = lines.all[index];
        return line === undefined ? null : (
          <div
            key={index}
            data-index={index}
            ref={isWrapped ? (element) => rows.measureElement(element) : null}
            class={`log-line is-${line.stream}${index === current ? ' is-current' : ''}`}
          >
            <span class="log-number" aria-hidden="true">
              {index + 1}
            </span>
            {hasTimes && <time dateTime={line.at}>{clock(line.at)}</time>}
            {line.stream === 'stderr' && <span class="sr-only">standard error: </span>}
            <Text line={line} />
          </div>
        );
      })}
    </div>
  );
}

function Text({ line }: { line: Line }) {
  const html = htmlOf(line);
  if (html === undefined) return <span data-text>{line.text}</span>;
  return <span data-text dangerouslySetInnerHTML={{ __html: html }} />;
}
