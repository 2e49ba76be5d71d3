// Links are written for headings in the repository (several-outputs); the site's ids differ (Several_outputs).
"use strict";
function plain(id) {
  return id.replace(/\.[0-9A-F]{2}/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "");
}
function follow() {
  const wanted = decodeURIComponent(location.hash.slice(1));
  if (wanted && !document.getElementById(wanted)) {
    const found = Array.from(document.querySelectorAll("[id]")).find(e => plain(e.id) === plain(wanted));
    if (found) {
      found.scrollIntoView();
    }
  }
}
window.addEventListener("hashchange", follow);
follow();
