// The chosen theme, set before anything is drawn, so that the page does not flash in the other one.
// A module would come too late: this is a plain script in the head.
try {
  const chosen = localStorage.getItem("buybox-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // storage may be forbidden; then the system's choice holds
}
