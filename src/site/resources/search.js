// Searches the pages of the menu, section by section. The Javadoc has a search of its own.
"use strict";
const input = document.getElementById("words");
const list = document.getElementById("found");
let sections = [];
input.value = new URLSearchParams(location.search).get("q") ?? "";

async function read(url) {
  const page = new DOMParser().parseFromString(await (await fetch(url)).text(), "text/html");
  const result = [];
  for (const heading of page.querySelectorAll("#bodyColumn h1, #bodyColumn h2, #bodyColumn h3")) {
    let text = heading.textContent;
    for (let e = heading.nextElementSibling; e && !/^(H[1-3]|SECTION|A)$/.test(e.tagName); e = e.nextElementSibling) {
      text += " " + e.textContent;
    }
    const anchor = heading.closest("section")?.querySelector("a[id]")?.id ?? heading.id;
    result.push({url: url + (anchor ? "#" + anchor : ""), page: page.title, title: heading.textContent, text});
  }
  return result;
}

function search() {
  const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
  const hits = words.length === 0 ? [] : sections
    .filter(s => words.every(w => s.text.toLowerCase().includes(w)))
    .map(s => ({s, score: words.filter(w => s.title.toLowerCase().includes(w)).length}))
    .sort((a, b) => b.score - a.score)
    .slice(0, 50);
  list.replaceChildren(...hits.map(({s}) => {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = s.url;
    link.textContent = s.page.split(" – ")[0] + ": " + s.title;
    const at = Math.max(0, s.text.toLowerCase().indexOf(words[0]) - 60);
    const part = document.createElement("div");
    part.textContent = s.text.slice(at, at + 200).replace(/\s+/g, " ");
    item.append(link, part);
    return item;
  }));
  document.getElementById("count").textContent = words.length === 0 ? "" : hits.length + " sections";
}

const pages = Array.from(document.querySelectorAll("#leftColumn a[href$='.html']"))
  .map(a => a.getAttribute("href"))
  .filter(url => !/^(search|apidocs)|:/.test(url));
Promise.all(pages.map(read)).then(
  all => { sections = all.flat(); search(); },
  () => { document.getElementById("count").textContent = "The pages cannot be read here: serve the folder, for"
    + " example with jwebserver."; });
input.addEventListener("input", search);
