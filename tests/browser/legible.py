"""What a page is held to in the browser: each script gives the faults that it finds."""

# Contrast by WCAG 2.2, 1.4.3: of every text that is shown against the nearest ground that is not transparent.
READABLE = """() => {
  const parse = (color) => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    canvas.fillStyle = color; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = (color) => {
    const linear = v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
    const [r, g, b] = color.slice(0, 3).map(v => linear(v / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (element) => {
    for (let one = element; one; one = one.parentElement) {
      const style = getComputedStyle(one);
      const stops = style.backgroundImage.match(/rgba?\\([^)]*\\)/g);
      if (stops) return stops.map(parse);
      const color = parse(style.backgroundColor);
      if (color[3] === 255) return [color];
    }
    return [[255, 255, 255, 255]];
  };
  const faults = [];
  const walker = document.createTreeWalker(document.getElementById('root'), NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.data.trim() || !element.checkVisibility()) continue;
    const style = getComputedStyle(element);
    const size = parseFloat(style.fontSize);
    const least = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700) ? 3 : 4.5;
    for (const back of ground(element)) {
      const [a, b] = [light(parse(style.color)), light(back)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < least) faults.push(`${element.className || element.tagName} ${ratio.toFixed(2)}`);
    }
  }
  return faults;
}"""

# Everything that can be pressed or filled has a name, and is as large as a finger (WCAG 2.2, 4.1.2 and 2.5.5: 44
# pixels); a radio button is as large as the label around it.
NAMED = """() => {
  const least = (one) => one.type === 'radio' ? 20 : 44;
  const shown = [...document.querySelectorAll('button, a[href], input')].filter(one => one.checkVisibility());
  return shown.flatMap(one => {
    const label = one.labels && one.labels.length ? one.labels[0].textContent : '';
    const name = one.getAttribute('aria-label') || one.textContent.trim() || label;
    const {width, height} = one.getBoundingClientRect();
    const faults = name ? [] : [`${one.outerHTML.slice(0, 80)} has no name`];
    if (width < least(one) || height < least(one)) faults.push(`${name} is ${width} x ${height}`);
    return faults;
  });
}"""
