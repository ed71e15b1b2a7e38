//! The date as Keras writes it into `metadata.json`.

use std::time::{SystemTime, UNIX_EPOCH};

/// Now in UTC, as `2026-01-31@12:00:00`.
pub(crate) fn now() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    format(seconds)
}

fn format(seconds: u64) -> String {
    let (day, time) = (seconds / 86_400, seconds % 86_400);
    // Days to civil date, counting years from March: Howard Hinnant's `civil_from_days`.
    let z = day + 719_468;
    let (era, doe) = (z / 146_097, z % 146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (d, m) = (
        doy - (153 * mp + 2) / 5 + 1,
        if mp < 10 { mp + 3 } else { mp - 9 },
    );
    let y = yoe + era * 400 + u64::from(m <= 2);
    format!(
        "{y:04}-{m:02}-{d:02}@{:02}:{:02}:{:02}",
        time / 3600,
        time / 60 % 60,
        time % 60
    )
}

#[cfg(test)]
mod tests {
    use super::format;

    #[test]
    fn dates_are_those_of_the_unix_command_date() {
        assert_eq!(format(0), "1970-01-01@00:00:00");
        assert_eq!(format(951_782_399), "2000-02-28@23:59:59");
        assert_eq!(format(951_868_799), "2000-02-29@23:59:59");
        assert_eq!(format(1_793_000_000), "2026-10-26@07:33:20");
    }
}
