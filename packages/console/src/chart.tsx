/** A small time chart on a canvas, with the same numbers as a table for those who cannot see it. */
import { useComputedColorScheme } from '@mantine/core';
import { useEffect, useRef } from 'react';
import UPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

export interface Series {
  readonly label: string;
  /** A Mantine colour. */
  readonly color: string;
  readonly values: readonly number[];
}

export default function Chart({
  at,
  series,
  label,
  height = 180,
}: {
  /** Epoch ms. */
  readonly at: readonly number[];
  readonly series: readonly Series[];
  readonly label: string;
  readonly height?: number;
}) {
  const holder = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme('light');
  useEffect(() => {
    const element = holder.current;
    if (!element) return;
    const style = getComputedStyle(element);
    const color = (name: string) =>
      style.getPropertyValue(`--mantine-color-${name}-${scheme === 'dark' ? 4 : 7}`);
    const [muted, line] = [style.getPropertyValue('--muted'), style.getPropertyValue('--line')];
    const axis = { stroke: muted, grid: { stroke: line, width: 1 }, ticks: { show: false } };
    const plot = new UPlot(
      {
        width: element.clientWidth,
        height,
        cursor: { y: false },
        scales: { y: { range: (_, __, max) => [0, Math.max(1, max * 1.1)] } },
        axes: [axis, { ...axis, size: 44 }],
        series: [
          {},
          ...series.map((each) => ({
            label: each.label,
            stroke: color(each.color),
            width: 2,
            points: { show: false },
            fill: `${color(each.color)}22`,
          })),
        ],
      },
      [at.map((ms) => ms / 1000), ...series.map(({ values }) => [...values])] as UPlot.AlignedData,
      element,
    );
    const resize = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
    resize.observe(element);
    return () => {
      resize.disconnect();
      plot.destroy();
    };
  }, [at, series, height, scheme]);
  const sums = series.map((each) => `${each.label}: ${each.values.reduce((sum, value) => sum + value, 0)}`);
  return <div ref={holder} role="img" aria-label={`${label}. ${sums.join(', ')}`} />;
}
