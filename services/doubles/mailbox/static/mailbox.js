// Times in the reader's own zone, and a quiet word when mail has arrived. The page works without this.
"use strict";

const language = document.documentElement.lang;
const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium" });
for (const time of document.querySelectorAll("time")) {
  time.title = time.textContent;
  time.textContent = format.format(new Date(time.dateTime));
}

const fresh = document.getElementById("fresh");
if (fresh && fresh.dataset.newest !== undefined) {
  const address = "/api/count?" + new URLSearchParams({ search: fresh.dataset.search });
  const look = async () => {
    if (document.hidden || !fresh.hidden) return;
    try {
      const answer = await (await fetch(address)).json();
      fresh.hidden = answer.newest <= Number(fresh.dataset.newest);
    } catch {
      // The sink is not running just now; the next look may find it.
    }
  };
  setInterval(look, 3000);
}
