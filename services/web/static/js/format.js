// Times, sizes and counts as people read them, in the chosen language.
import { locale, t } from "./i18n.js";

function sameDay(a, b) {
  return a.toDateString() === b.toDateString();
}

export function clock(time) {
  return new Intl.DateTimeFormat(locale(), { hour: "numeric", minute: "2-digit" }).format(time);
}

/** "Today", "Yesterday", or a date. */
export function day(time, now = new Date()) {
  const date = new Date(time);
  if (sameDay(date, now)) return t("today");
  if (sameDay(date, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return t("yesterday");
  const year = date.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat(locale(), { weekday: "short", day: "numeric", month: "long", year }).format(date);
}

/** Short: the clock today, otherwise the day. */
export function moment(time, now = new Date()) {
  const date = new Date(time);
  if (sameDay(date, now)) return clock(time);
  if (sameDay(date, new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1))) return t("yesterday");
  return new Intl.DateTimeFormat(locale(), { day: "numeric", month: "short" }).format(date);
}

export function fileSize(bytes) {
  const units = ["B", "KB", "MB", "GB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit && value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function count(number) {
  return number > 99 ? "99+" : String(number);
}
