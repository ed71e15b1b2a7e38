//! Where the boxes of a graph stand and how its edges run: layers from top to bottom, few crossings, straight long edges.
//!
//! After Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical system structures" (1981). It is our
//! own since the crates there are give no places for labels on edges or for several ends at one box (an LSTM's sequence, h
//! and c in this order), and none was made for graphs out of strangers' files.

/// A box to be placed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub width: i32,
    pub height: i32,
}

/// One end of an edge: which box, and which of how many ends on that side of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub node: usize,
    pub place: usize,
    pub places: usize,
}

/// An edge from the bottom of one box to the top of another one, which comes later in the list of boxes.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub from: End,
    pub to: End,
    /// The room that the label takes.
    pub label: Size,
}

/// A placed graph.
#[derive(Debug, Default)]
pub(super) struct Placed {
    /// The upper left corners of the boxes.
    pub boxes: Vec<(i32, i32)>,
    /// For each edge its way.
    pub ways: Vec<Way>,
    pub width: i32,
    pub height: i32,
}

/// The way of an edge.
#[derive(Debug, Default)]
pub(super) struct Way {
    /// What is drawn above the label and what below it, each from top to bottom.
    pub pieces: [Vec<(i32, i32)>; 2],
    /// The middle of the label.
    pub label: (i32, i32),
}

/// Between two boxes side by side.
const BESIDE: i32 = 28;
/// Between an edge and what is beside it.
const BESIDE_EDGE: i32 = 14;
/// How far an edge may be moved to become straight: less than it keeps clear of what is beside it, and at its ends.
const STRAIGHT: i32 = 6;
const STRAIGHT_END: i32 = 10;
/// Above and below a label.
const AROUND_LABEL: i32 = 20;

/// A box, or the place where an edge passes a row.
#[derive(Clone, Debug)]
struct Item {
    width: i32,
    height: i32,
    is_edge: bool,
    /// Middle, as far as it is known.
    x: f64,
    up: Vec<Tie>,
    down: Vec<Tie>,
}

/// A piece of an edge to the next row: to which item, and from where to where, seen from the middles.
#[derive(Clone, Copy, Debug)]
struct Tie {
    to: usize,
    mine: f64,
    theirs: f64,
}

/// Places boxes and edges.
pub(super) fn place(sizes: &[Size], links: &[Link]) -> Placed {
    if sizes.is_empty() {
        return Placed::default();
    }
    let ranks = ranks(sizes.len(), links);
    let mut items: Vec<Item> = sizes.iter().map(|size| Item::new(*size, false)).collect();
    let last = ranks.iter().copied().max().unwrap_or(0);
    // Every second row has boxes; between them are the labels.
    let mut rows: Vec<Vec<usize>> = vec![Vec::new(); 2 * last + 1];
    for (item, rank) in ranks.iter().enumerate() {
        rows[2 * rank].push(item);
    }
    let chains: Vec<Vec<usize>> = links
        .iter()
        .map(|link| chain(link, sizes, &ranks, &mut items, &mut rows))
        .collect();
    order(&mut rows, &items);
    assign(&rows, &mut items);
    draw(sizes, &rows, &items, &chains)
}

impl Item {
    fn new(size: Size, is_edge: bool) -> Self {
        Self {
            width: size.width,
            height: size.height,
            is_edge,
            x: 0.0,
            up: Vec::new(),
            down: Vec::new(),
        }
    }
}

/// The row of each box: below all it comes from, and as near as it can be to what needs it.
fn ranks(count: usize, links: &[Link]) -> Vec<usize> {
    let mut ranks = vec![0usize; count];
    for node in 0..count {
        let before = links.iter().filter(|l| l.to.node == node);
        ranks[node] = before.map(|l| ranks[l.from.node] + 1).max().unwrap_or(0);
    }
    // What comes from nowhere stands right above what reads it first: a decoder's input beside the encoder's end.
    for node in (0..count).rev() {
        if links.iter().all(|l| l.to.node != node) {
            let after = links.iter().filter(|l| l.from.node == node);
            if let Some(first) = after.map(|l| ranks[l.to.node]).min() {
                ranks[node] = first.saturating_sub(1);
            }
        }
    }
    ranks
}

/// How far an end is from the middle of its box.
fn offset(end: End, sizes: &[Size]) -> i32 {
    let width = sizes[end.node].width;
    let places = end.places.max(1) as i32 + 1;
    width * (end.place as i32 + 1) / places - width / 2
}

/// Puts the pieces of an edge into the rows it passes, and ties them together.
fn chain(
    link: &Link,
    sizes: &[Size],
    ranks: &[usize],
    items: &mut Vec<Item>,
    rows: &mut [Vec<usize>],
) -> Vec<usize> {
    let (from, to) = (link.from.node, link.to.node);
    let mut chain = vec![from];
    for row in 2 * ranks[from] + 1..2 * ranks[to] {
        let size = if row == 2 * ranks[from] + 1 {
            link.label
        } else {
            Size {
                width: 0,
                height: 0,
            }
        };
        rows[row].push(items.len());
        chain.push(items.len());
        items.push(Item::new(size, true));
    }
    chain.push(to);
    for pair in chain.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        let leaves = f64::from(if a == from {
            offset(link.from, sizes)
        } else {
            0
        });
        let enters = f64::from(if b == to { offset(link.to, sizes) } else { 0 });
        items[a].down.push(Tie {
            to: b,
            mine: leaves,
            theirs: enters,
        });
        items[b].up.push(Tie {
            to: a,
            mine: enters,
            theirs: leaves,
        });
    }
    chain
}

/// Orders each row by the places of what it is tied to, down and up in turn, and keeps the order with fewest crossings.
fn order(rows: &mut [Vec<usize>], items: &[Item]) {
    let mut best = rows.to_vec();
    let mut fewest = crossings(rows, items);
    let mut place = vec![0.0; items.len()];
    for sweep in 0..16 {
        if fewest == 0 {
            break;
        }
        let down = sweep % 2 == 0;
        let count = rows.len();
        for step in 1..count {
            let row = if down { step } else { count - 1 - step };
            let before = if down { row - 1 } else { row + 1 };
            for (i, item) in rows[before].iter().enumerate() {
                place[*item] = i as f64;
            }
            let mut keyed: Vec<(f64, usize)> = rows[row]
                .iter()
                .enumerate()
                .map(|(i, item)| {
                    let ties = if down {
                        &items[*item].up
                    } else {
                        &items[*item].down
                    };
                    // The end's own place breaks ties between edges of one box.
                    let at = |t: &Tie| place[t.to] + t.theirs / 10_000.0;
                    let sum: f64 = ties.iter().map(at).sum();
                    let key = if ties.is_empty() {
                        i as f64
                    } else {
                        sum / ties.len() as f64
                    };
                    (key, *item)
                })
                .collect();
            keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
            rows[row] = keyed.into_iter().map(|(_, item)| item).collect();
        }
        let now = crossings(rows, items);
        if now < fewest {
            fewest = now;
            best = rows.to_vec();
        }
    }
    rows.clone_from_slice(&best);
}

/// How many pairs of edges cross.
fn crossings(rows: &[Vec<usize>], items: &[Item]) -> usize {
    let mut crossings = 0;
    let mut place = vec![0.0; items.len()];
    for pair in rows.windows(2) {
        for (i, item) in pair[1].iter().enumerate() {
            place[*item] = i as f64;
        }
        let mut ends: Vec<(f64, f64)> = Vec::new();
        for (i, item) in pair[0].iter().enumerate() {
            for tie in &items[*item].down {
                ends.push((
                    i as f64 + tie.mine / 10_000.0,
                    place[tie.to] + tie.theirs / 10_000.0,
                ));
            }
        }
        ends.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        // From left to right above: each edge crosses those before it that end farther to the right below.
        let mut below: Vec<f64> = Vec::with_capacity(ends.len());
        for (_, end) in ends {
            let at = below.partition_point(|other| *other <= end);
            crossings += below.len() - at;
            below.insert(at, end);
        }
    }
    crossings
}

/// Gives every item its x: as near to what it is tied to as the order of its row allows, edges before boxes.
fn assign(rows: &[Vec<usize>], items: &mut [Item]) {
    for row in rows {
        spread(row, items, &[]);
    }
    for sweep in 0..80 {
        let down = sweep % 2 == 0;
        for step in 0..rows.len() {
            let row = &rows[if down { step } else { rows.len() - 1 - step }];
            let wanted: Vec<(f64, f64)> = row
                .iter()
                .map(|item| {
                    let item = &items[*item];
                    let ties: Vec<&Tie> = match (sweep < 16, down) {
                        (true, true) => item.up.iter().collect(),
                        (true, false) => item.down.iter().collect(),
                        // At the end both sides count.
                        (false, _) => item.up.iter().chain(&item.down).collect(),
                    };
                    if ties.is_empty() {
                        return (item.x, 0.01);
                    }
                    let at = |t: &&Tie| items[t.to].x + t.theirs - t.mine;
                    let x = ties.iter().map(at).sum::<f64>() / ties.len() as f64;
                    (x, if item.is_edge { 8.0 } else { 1.0 })
                })
                .collect();
            spread(row, items, &wanted);
        }
    }
}

/// Places the items of a row in their order as near as possible to where they are wanted (the weighted squares of the
/// distances are smallest), with room between them; side by side where nothing is wanted.
fn spread(row: &[usize], items: &mut [Item], wanted: &[(f64, f64)]) {
    // Where each would stand if all were pushed to the left; what is wanted beyond that may only grow along the row.
    let mut packed = Vec::with_capacity(row.len());
    let mut x = 0.0;
    for (i, item) in row.iter().enumerate() {
        let item = &items[*item];
        if i > 0 {
            let left = &items[row[i - 1]];
            let room = if left.is_edge || item.is_edge {
                BESIDE_EDGE
            } else {
                BESIDE
            };
            x += f64::from(left.width + item.width) / 2.0 + f64::from(room);
        }
        packed.push(x);
    }
    // Pool neighbours that would overlap (isotonic regression): sum of weighted wishes, sum of weights, how many.
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for (i, at) in packed.iter().enumerate() {
        let (x, weight) = wanted.get(i).copied().unwrap_or((*at, 1.0));
        pools.push(((x - at) * weight, weight, 1));
        while let [.., a, b] = pools.as_slice()
            && a.0 / a.1 > b.0 / b.1
        {
            let joined = (a.0 + b.0, a.1 + b.1, a.2 + b.2);
            pools.truncate(pools.len() - 2);
            pools.push(joined);
        }
    }
    let mut i = 0;
    for (sum, weight, count) in pools {
        for _ in 0..count {
            items[row[i]].x = packed[i] + sum / weight;
            i += 1;
        }
    }
}

/// Whole coordinates: rows below each other, everything right of 0.
fn draw(sizes: &[Size], rows: &[Vec<usize>], items: &[Item], chains: &[Vec<usize>]) -> Placed {
    let left = |i: &Item| i.x - f64::from(i.width) / 2.0;
    let start = items.iter().map(left).fold(f64::INFINITY, f64::min);
    let middle = |item: usize| (items[item].x - start).round() as i32;
    // The upper and lower border of each row.
    let mut borders = Vec::with_capacity(rows.len());
    let mut y = 0;
    for (i, row) in rows.iter().enumerate() {
        let height = row
            .iter()
            .map(|item| items[*item].height)
            .max()
            .unwrap_or(0);
        let room = if i % 2 == 1 { AROUND_LABEL } else { 0 };
        borders.push((y + room, y + room + height));
        y += height + 2 * room;
    }
    let mut row_of = vec![0; items.len()];
    for (i, row) in rows.iter().enumerate() {
        row.iter().for_each(|item| row_of[*item] = i);
    }
    // A box stands in the middle of its row.
    let top = |item: usize| {
        let (above, below) = borders[row_of[item]];
        (above + below - items[item].height) / 2
    };
    let boxes: Vec<(i32, i32)> = sizes
        .iter()
        .enumerate()
        .map(|(item, size)| (middle(item) - size.width / 2, top(item)))
        .collect();
    let ways = chains
        .iter()
        .map(|chain| way(chain, items, &row_of, &borders, &middle, &top))
        .collect();
    let right = (0..items.len())
        .map(|item| middle(item) + (items[item].width + 1) / 2)
        .max();
    Placed {
        boxes,
        ways,
        width: right.unwrap_or(0),
        height: y,
    }
}

/// The points of an edge: its ends, and the borders of the rows it passes. Inside a row it runs straight down, so that it
/// keeps clear of boxes that are taller than its own.
fn way(
    chain: &[usize],
    items: &[Item],
    row_of: &[usize],
    borders: &[(i32, i32)],
    middle: &impl Fn(usize) -> i32,
    top: &impl Fn(usize) -> i32,
) -> Way {
    let ([from, label, passed @ .., to], Some(before)) = (chain, chain.iter().rev().nth(1)) else {
        return Way::default();
    };
    let tie = |ties: &[Tie], other: usize| -> i32 {
        let found = ties.iter().find(|t| t.to == other);
        found.map_or(0, |t| t.mine.round() as i32)
    };
    // What is nearly straight becomes straight: at the middle of a box's side, and from row to row.
    let straight = |x: i32, near: i32, most: i32| if (x - near).abs() <= most { near } else { x };
    let end = |item: usize, tie: i32, near: i32| match tie {
        0 => straight(middle(item), near, STRAIGHT_END),
        tie => middle(item) + tie,
    };
    let x = end(*from, tie(&items[*from].down, *label), middle(*label));
    let (above, below) = borders[row_of[*label]];
    let mut upper = vec![(x, top(*from) + items[*from].height)];
    upper.push((x, borders[row_of[*from]].1));
    upper.push((middle(*label), above));
    let mut x = middle(*label);
    let mut lower = vec![(x, below)];
    for item in passed {
        let (above, below) = borders[row_of[*item]];
        x = straight(middle(*item), x, STRAIGHT);
        lower.push((x, above));
        lower.push((x, below));
    }
    let x = end(*to, tie(&items[*to].up, *before), x);
    lower.push((x, borders[row_of[*to]].0));
    lower.push((x, top(*to)));
    upper.dedup();
    lower.dedup();
    Way {
        pieces: [upper, lower],
        label: (middle(*label), (above + below) / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Size = Size {
        width: 100,
        height: 40,
    };

    fn link(from: usize, to: usize) -> Link {
        let end = |node| End {
            node,
            place: 0,
            places: 1,
        };
        Link {
            from: end(from),
            to: end(to),
            label: Size {
                width: 60,
                height: 16,
            },
        }
    }

    #[test]
    fn a_chain_is_one_straight_line() {
        let placed = place(&[BOX; 4], &[link(0, 1), link(1, 2), link(2, 3)]);
        assert!(placed.boxes.iter().all(|(x, _)| *x == 0), "{placed:?}");
        assert!(placed.boxes.windows(2).all(|b| b[0].1 + 40 < b[1].1));
        assert_eq!(placed.width, 100);
    }

    #[test]
    fn boxes_keep_clear_of_each_other_and_of_edges() {
        // A fan, a diamond and an edge past both.
        let mut links = vec![link(0, 7)];
        links.extend((1..6).map(|i| link(0, i)));
        links.extend((1..6).map(|i| link(i, 6)));
        links.push(link(6, 7));
        let placed = place(&[BOX; 8], &links);
        for (i, a) in placed.boxes.iter().enumerate() {
            for b in &placed.boxes[i + 1..] {
                let apart = (a.0 - b.0).abs() >= 100 || (a.1 - b.1).abs() >= 40;
                assert!(apart, "{a:?} {b:?}");
            }
        }
        let long = placed.ways[0].pieces.concat();
        for (x, y) in &long[1..long.len() - 1] {
            for (left, top) in &placed.boxes {
                let inside = (left + 1..left + 100).contains(x) && (top + 1..top + 40).contains(y);
                assert!(!inside, "({x}, {y}) is in the box at {left}, {top}");
            }
        }
    }

    #[test]
    fn edges_cross_only_where_they_must() {
        // Two chains, listed crosswise.
        let links = [link(0, 3), link(1, 2), link(2, 5), link(3, 4)];
        let placed = place(&[BOX; 6], &links);
        for way in &placed.ways {
            let points = way.pieces.concat();
            let straight = points.iter().all(|(x, _)| *x == points[0].0);
            assert!(straight, "{way:?}");
        }
    }

    #[test]
    fn edges_beside_a_tall_box_bend_below_it() {
        let tall = Size {
            width: 300,
            height: 400,
        };
        // A short box beside a tall one, both read by a box below.
        let placed = place(&[BOX, tall, BOX], &[link(0, 2), link(1, 2)]);
        let (left, top) = placed.boxes[1];
        for way in &placed.ways {
            for piece in &way.pieces {
                for pair in piece.windows(2) {
                    let bends = pair[0].0 != pair[1].0;
                    let beside = pair[0].1 < top + 400 && pair[1].1 > top;
                    assert!(!(bends && beside), "{pair:?} bends beside ({left}, {top})");
                }
            }
        }
    }

    #[test]
    fn crossings_are_those_that_pairs_of_edges_make() {
        // Three boxes over three, each read by all: 9 pairs cross whatever the order.
        let links: Vec<Link> = (0..9).map(|i| link(i / 3, 3 + i % 3)).collect();
        let sizes = [BOX; 6];
        let ranks = ranks(6, &links);
        let mut items: Vec<Item> = sizes.iter().map(|size| Item::new(*size, false)).collect();
        let mut rows = vec![vec![0, 1, 2], Vec::new(), vec![3, 4, 5]];
        for link in &links {
            chain(link, &sizes, &ranks, &mut items, &mut rows);
        }
        assert_eq!(crossings(&rows, &items), 9);
    }
}
