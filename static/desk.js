// What the pages can do without: times and days in the reader's zone, one answer to two clicks, and copying.
"use strict";
const language = document.documentElement.lang;
const times = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
const hours = new Intl.DateTimeFormat(language, { timeStyle: "short" });
for (const time of document.querySelectorAll("time[datetime]")) {
  const at = new Date(time.dateTime);
  if (time.dataset.shows === "day") {
    // A day of UTC stays one; where it lies in the reader's zone is told.
    time.title = times.formatRange(at, new Date(at.getTime() + 86400000));
    continue;
  }
  time.title = time.textContent;
  time.textContent = (time.dataset.shows === "hour" ? hours : times).format(at);
}
for (const title of document.querySelectorAll("title[data-time]")) {
  const said = title.textContent;
  title.textContent = hours.format(new Date(title.dataset.time)) + said.slice(said.indexOf(": "));
}
for (const input of document.querySelectorAll("input[data-day]")) {
  const zone = document.getElementById(`${input.id}-zone`);
  const offset = document.getElementById(`${input.id}-offset`);
  const asked = { day: input.value, zone: zone.textContent, offset: offset.value };
  const settle = () => {
    const isAsked = input.value && input.value === asked.day;
    const at = new Date(`${input.value}T00:00`);
    // The clock may be changed within the day: the end of a day is the beginning of the next.
    at.setDate(at.getDate() + Number(input.dataset.day));
    zone.textContent = isAsked ? asked.zone : Intl.DateTimeFormat().resolvedOptions().timeZone;
    offset.value = isAsked ? asked.offset : input.value ? -at.getTimezoneOffset() : "";
  };
  settle();
  input.addEventListener("input", settle);
  input.form.addEventListener("submit", settle);
}
for (const { form } of document.querySelectorAll("input[name=once]")) {
  // The answer to a second click would take the place of the first, which shows the secret.
  let isSent = false;
  form.addEventListener("submit", (event) => {
    if (isSent) event.preventDefault();
    isSent = true;
  });
  addEventListener("pageshow", () => { isSent = false; });
}
for (const button of document.querySelectorAll("button[data-copy]")) {
  if (!navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.setAttribute("aria-live", "polite");
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.textContent = button.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}
