// What tests read in the morning page.

// Of each mark of a view what it stands for, where it is and how it looks.
function marksOf(view) {
  return view.scenegraph().root.items[0].items.filter(mark => mark.role === "mark").map(mark => mark.items.map(item => ({
    subject: item.datum.subject, session: item.datum.session, left: item.bounds.x1, right: item.bounds.x2,
    top: item.bounds.y1, bottom: item.bounds.y2, x: item.x, y: item.y, fill: item.fill ?? null,
    stroke: item.stroke ?? null, shape: item.shape, angle: item.angle, opacity: item.opacity, text: item.text,
  })));
}

// Values and texts along the axes of a view.
function labelsOf(view) {
  return view.scenegraph().root.items[0].items.filter(mark => mark.role === "axis").flatMap(axis => axis.items[0].items)
    .filter(mark => mark.role === "axis-label").flatMap(mark => mark.items.map(item => [item.datum.value, item.text]));
}

// Where on the page's canvas the box of a session is.
async function placeOf(subject, session) {
  const view = await rasterReady, [x, y] = view.origin(), { left, top } = view.padding();
  const box = marksOf(view)[0].find(box => box.subject === subject && box.session === session);
  return { x: x + left + (box.left + box.right) / 2, y: y + top + (box.top + box.bottom) / 2 };
}

// Rows of a table, of each cell the texts that it is made of.
function cellsOf(selector) {
  return [...document.querySelectorAll(selector)].map(row => [...row.cells].map(
    cell => [...cell.childNodes].map(node => node.textContent).filter(text => text.trim())));
}

// Every element with a text of its own, and its contrast with what lies below it, as WCAG 2 counts.
function contrasts() {
  const parsed = text => {
    const found = text.match(/[\d.]+/g);
    return found && [...found.slice(0, 3).map(Number), Number(found[3] ?? 1)];
  };
  const over = (top, under) => top.slice(0, 3).map((part, i) => part * top[3] + under[i] * (1 - top[3]));
  const light = color => color.map(part => part / 255)
    .map(part => part <= .04045 ? part / 12.92 : ((part + .055) / 1.055) ** 2.4)
    .reduce((sum, part, i) => sum + part * [.2126, .7152, .0722][i], 0);
  const isDrawn = e => e instanceof SVGElement;
  const below = e => {
    if (!isDrawn(e)) return e.parentElement ? [e, ...below(e.parentElement)] : [e];
    e.scrollIntoView({ block: "center" });
    const { x, y, width, height } = e.getBoundingClientRect();
    const all = document.elementsFromPoint(x + width / 2, y + height / 2);
    return all.slice(all.indexOf(e) + 1).filter(of => !isDrawn(of) || of instanceof SVGGeometryElement);
  };
  document.querySelectorAll("details").forEach(details => details.open = true);
  const texts = [...document.querySelectorAll("body *")].filter(e => !["SCRIPT", "STYLE", "OPTION"].includes(e.tagName)
    && e.checkVisibility({ visibilityProperty: true })
    && [...e.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.textContent.trim()));
  return texts.map(e => {
    const ground = below(e).map(of => parsed(getComputedStyle(of)[isDrawn(of) ? "fill" : "backgroundColor"]))
      .filter(Boolean).reduceRight((under, top) => over(top, under), [255, 255, 255]);
    const ink = over(parsed(getComputedStyle(e)[isDrawn(e) ? "fill" : "color"]), ground);
    const [less, more] = [light(ground), light(ink)].sort((a, b) => a - b);
    return [(more + .05) / (less + .05), e.outerHTML.slice(0, 120)];
  });
}

// By how many pixels what a view draws reaches over its canvas on the right and at the bottom.
function cutOff(view) {
  const canvas = view.container().querySelector("canvas"), { bounds } = view.scenegraph().root;
  const [x, y] = view.origin(), { left, top } = view.padding();
  return [Math.max(0, x + left + bounds.x2 - canvas.clientWidth), Math.max(0, y + top + bounds.y2 - canvas.clientHeight)];
}
