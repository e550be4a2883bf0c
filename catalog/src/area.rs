//! Which area a country lies in, for regions whose table says it of the country alone.

/// Member states of the European Union, and the three other states of the European Economic Area.
const UNION: &str =
    "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK";
const ECONOMIC_AREA: &str = "IS LI NO";

/// Continents by ISO 3166-1 alpha-2 codes. Countries on two continents stand where the United
/// Nations' geoscheme (M49) puts them.
const CONTINENTS: [(&str, &str); 6] = [
    (
        "Africa",
        "AO BF BI BJ BW CD CF CG CI CM CV DJ DZ EG EH ER ET GA GH GM GN GQ GW KE KM LR LS LY MA MG \
         ML MR MU MW MZ NA NE NG RE RW SC SD SH SL SN SO SS ST SZ TD TG TN TZ UG YT ZA ZM ZW",
    ),
    (
        "Asia",
        "AE AF AM AZ BD BH BN BT CN CY GE HK ID IL IN IQ IR JO JP KG KH KP KR KW KZ LA LB LK MM MN \
         MO MV MY NP OM PH PK PS QA SA SG SY TH TJ TL TM TR TW UZ VN YE",
    ),
    (
        "Europe",
        "AD AL AT AX BA BE BG BY CH CZ DE DK EE ES FI FO FR GB GG GI GR HR HU IE IM IS IT JE LI LT \
         LU LV MC MD ME MK MT NL NO PL PT RO RS RU SE SI SJ SK SM UA VA XK",
    ),
    (
        "NorthAmerica",
        "AG AI AW BB BL BM BQ BS BZ CA CR CU CW DM DO GD GL GP GT HN HT JM KN KY LC MF MQ MS MX NI \
         PA PM PR SV SX TC TT US VC VG VI",
    ),
    ("Oceania", "AS AU CK FJ FM GU KI MH MP NC NF NR NU NZ PF PG PN PW SB TK TO TV UM VU WF WS"),
    ("SouthAmerica", "AR BO BR CL CO EC FK GF GY PE PY SR UY VE"),
];

/// The innermost area of a country: `EU`, `EEA`, or a continent. What a table says of its
/// membership comes before what is known here; `None` where nothing is known.
pub(crate) fn area(
    country: Option<&str>,
    in_union: Option<bool>,
    in_economic_area: Option<bool>,
) -> Option<&'static str> {
    let listed = |list: &str| country.is_some_and(|code| list.split(' ').any(|c| c == code));
    if in_union.unwrap_or_else(|| in_economic_area != Some(false) && listed(UNION)) {
        return Some("EU");
    }
    let member = || listed(ECONOMIC_AREA) || (in_union.is_none() && listed(UNION));
    if in_economic_area.unwrap_or_else(member) {
        return Some("EEA");
    }
    CONTINENTS.into_iter().find(|(_, codes)| listed(codes)).map(|(name, _)| name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn membership_comes_first_and_the_continent_last() {
        for (country, union, economic, expected) in [
            (Some("DE"), Some(true), Some(true), Some("EU")),
            (Some("DE"), None, None, Some("EU")),
            (Some("NO"), Some(false), Some(true), Some("EEA")),
            (Some("NO"), None, None, Some("EEA")),
            (Some("CH"), Some(false), Some(false), Some("Europe")),
            (Some("GB"), None, None, Some("Europe")),
            (Some("DE"), Some(false), Some(false), Some("Europe")),
            (Some("DE"), None, Some(false), Some("Europe")),
            (Some("CY"), Some(true), None, Some("EU")),
            (Some("US"), Some(false), Some(false), Some("NorthAmerica")),
            (Some("CL"), None, None, Some("SouthAmerica")),
            (Some("ZA"), None, None, Some("Africa")),
            (Some("SG"), None, None, Some("Asia")),
            (Some("NZ"), None, None, Some("Oceania")),
            (Some("QQ"), None, None, None),
            (None, None, None, None),
            (None, Some(true), None, Some("EU")),
            (None, Some(false), Some(true), Some("EEA")),
        ] {
            assert_eq!(area(country, union, economic), expected, "{country:?}");
        }
    }

    #[test]
    fn every_country_is_on_one_continent() {
        let codes: Vec<&str> = CONTINENTS.iter().flat_map(|(_, codes)| codes.split(' ')).collect();
        assert!(codes.iter().all(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase())));
        assert_eq!(codes.len(), codes.iter().collect::<BTreeSet<_>>().len());
        for member in UNION.split(' ').chain(ECONOMIC_AREA.split(' ')) {
            assert!(codes.contains(&member), "{member}");
        }
        assert_eq!(UNION.split(' ').count(), 27);
    }
}
