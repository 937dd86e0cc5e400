//! What the whole scrubber promises, on messages and on anything at all.

use proptest::prelude::*;

use super::{KnownPeople, Label, Placeholders, Scrub, Scrubber};

thread_local! {
    static SCRUBBER: Scrubber = Scrubber::new();
}

fn scrub_known(text: &str, known: &KnownPeople) -> Scrub {
    SCRUBBER.with(|scrubber| scrubber.scrub(text, known))
}

fn scrub(text: &str) -> Scrub {
    scrub_known(text, &KnownPeople::new())
}

fn scrubbed(text: &str) -> String {
    scrub(text).text.as_str().to_owned()
}

#[test]
fn each_kind_is_hidden_in_both_languages() {
    for (text, expected) in [
        ("Hola, soy Marcela Quintanilla", "Hola, soy [NAME_1]"),
        ("my name is tasha lindqvist", "my name is [NAME_1]"),
        ("Thanks,\nBeth", "Thanks,\n[NAME_1]"),
        ("Dr. Salgado needs access", "Dr. [NAME_1] needs access"),
        ("correo juan arroba gmail punto com", "correo [EMAIL_1]"),
        ("email kim%40example.com please", "email [EMAIL_1] please"),
        ("ＡＮＡ＠example．com", "[EMAIL_1]"),
        ("llámame al 55 1234 5678", "llámame al [PHONE_1]"),
        ("reach me on +44 20 7946 0958", "reach me on [PHONE_1]"),
        ("card 4111 1111 1111 1111 declined", "card [CARD_1] declined"),
        ("iban ES91 2100 0418 4502 0005 1332", "iban [IBAN_1]"),
        ("mi DNI es 12345678Z", "mi DNI es [NATIONAL_ID_1]"),
        ("RUT 12.345.678-5", "RUT [NATIONAL_ID_1]"),
        ("C.C. 52.883.104", "C.C. [NATIONAL_ID_1]"),
        ("SSN 123-45-6789", "SSN [NATIONAL_ID_1]"),
        ("cpf 529.982.247-25", "cpf [NATIONAL_ID_1]"),
        (
            "vivo en Calle de Alcalá 45, 2º B, Madrid",
            "vivo en [ADDRESS_1], Madrid",
        ),
        ("ship to 742 Evergreen Terrace", "ship to [ADDRESS_1]"),
        ("Carrera 15 # 93-60 apto 501", "[ADDRESS_1]"),
        ("mi ip es 83.44.12.9", "mi ip es [IP_1]"),
        (
            "https://a.example/reset?token=9f8e7d6c5b4a&lang=es",
            "https://a.example/reset?token=[URL_TOKEN_1]&lang=es",
        ),
        ("la clave es P@ssPerro1", "la clave es [SECRET_1]"),
        ("key sk_live_51Hx8fKJh2eZvKYlo2C0", "key [SECRET_1]"),
        ("dm @the_real_jp", "dm [USERNAME_1]"),
    ] {
        assert_eq!(scrubbed(text), expected);
    }
}

#[test]
fn no_spelling_gets_through() {
    for text in [
        "write to ana.ruiz@example.com",
        "write to ANA.RUIZ@EXAMPLE.COM",
        "write to ana.ruiz @ example.com",
        "write to ana.ruiz [at] example.com",
        "write to ana.ruiz(at)example(dot)com",
        "write to ana.ruiz{@}example.com",
        "mailto:ana.ruiz@example.com",
        "write to ana.ruiz＠example．com",
        "write to a\u{200b}na.ru\u{200b}iz@example.com",
        "write to ana.ruiz&#64;example.com",
        "write to ana.ruiz%40example.com",
        "ana dot ruiz at example dot com",
        "ana punto ruiz arroba example punto com",
        "anaruizarrobagmail.com",
        "call 612 345 678",
        "call 612-345-678",
        "call 612–345–678",
        "call 612.345.678",
        "call 612·345·678",
        "call 612_345_678",
        "call 6 1 2 3 4 5 6 7 8",
        "call ６１２３４５６７８",
        "call +34(612)345678",
        "tel=%2B34612345678",
        "<tel:+34612345678|+34 612 345 678>",
        "soy Ana Ruiz",
        "SOY ANA RUIZ",
        "soy ana ruiz",
        "soy Ａｎａ Ｒｕｉｚ",
        "soy 𝐀𝐧𝐚 𝐑𝐮𝐢𝐳",
        "soy A\u{301}na Rui\u{301}z",
        "name=Ana%20Ruiz",
        "my name is RUIZ, ANA",
        "my name is AnaRuiz",
        "{\"name\":\"Ana Ruiz\"}",
        "card 4111-1111-1111-1111",
        "card 4111_1111_1111_1111",
        "card 4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1",
        "card ４１１１\u{a0}１１１１\u{a0}１１１１\u{a0}１１１１",
        "iban es91-2100-0418-4502-0005-1332",
        "iban ES91%202100%200418%204502%200005%201332",
        "key=sk%5Flive%5F51Hx8fKJh2eZvKYlo2C0",
        "handle ＠ana_ruiz",
    ] {
        let hidden = scrubbed(text).to_lowercase();
        for canary in [
            "ana",
            "ruiz",
            "ａｎａ",
            "𝐚𝐧𝐚",
            "612",
            "345",
            "６１２",
            "1111",
            "１１１１",
            "1 1",
            "2100",
            "51hx8",
            "6 1",
        ] {
            assert!(!hidden.contains(canary), "{text} became {hidden}");
        }
    }
}

#[test]
fn what_is_nobodys_stays() {
    for text in [
        "Pedido 4500123987, guía 1Z999AA10123456784, error 0x80070005",
        "HTTP 503 on v4.12.1 since 9:41am, build 20260304.7",
        "@here @channel @todos mantenimiento el jueves",
        "La sucursal Francisco Villa no sincroniza con Mercado Pago",
        "I was charged €49.99 twice on 03/04/2026",
        "commit 4f2a9c1d8e7b6a5f4e3d2c1b0a9f8e7d6c5b4a39 broke it",
        "Hola equipo, no me llega el código. Gracias!",
        "my password is not working",
        "the usual 255.255.255.0 mask",
    ] {
        assert_eq!(scrubbed(text), text);
    }
}

#[test]
fn things_that_bear_a_name_stay_and_those_of_people_do_not() {
    for text in [
        "la cafetera Bialetti no calienta",
        "the Winslow vacuum keeps dying",
        "the Hollis plugin throws ERR-4412",
        "el hospital Valeria Soto no ve los turnos",
        "Dear Suport Team, my parcel is late",
        "flights to St. Anselm are gone",
        "why is there a joy-con drift warning",
        "2026-01-09 13:02:23.386 12836 12836 I app : late",
        "00 00 00 00 90 8e a0 29 19 56 00 00",
        "got -60.79175629 instead of 12.50000000",
        "height=776463417 took 30 ms",
        "seed = 3574901271",
        "boost 1.64.0 (106400) is missing",
        "max is 2147483647",
        "2023-03-05T21:26:43.074000Z node0 started",
        "range 10.0.0.0/8 not allowed",
        "cuDNN 8.6.0.163 on linux, pkg==1.2.3.4",
        "lote 20260412-B vencido",
        "el presupuesto 4500012345 no se aprueba",
        "@typing.overload confuses the linter",
        "the decorator @Injectable is missing",
        "Pass the OrderContextDictionary to the callback",
        "key=KeyboardEvent.code is undefined",
        "https://forum.example.org/t/image2blob-in-c-and-python/13437",
    ] {
        assert_eq!(scrubbed(text), text);
    }
    for (text, expected) in [
        ("la cafetera de Ana no anda", "la cafetera de [NAME_1] no anda"),
        ("la doctora Ana Castillo Ruiz", "la doctora [NAME_1]"),
        (
            "The invoice went to Thabo Zúñiga instead of me",
            "The invoice went to [NAME_1] instead of me",
        ),
        (
            "apellido paterno Casas, apellido materno Camean",
            "apellido paterno [NAME_1], apellido materno [NAME_2]",
        ),
        ("quedamos con don Daniel", "quedamos con don [NAME_1]"),
        (
            "el reporte lo subió m.ozturk ayer",
            "el reporte lo subió [USERNAME_1] ayer",
        ),
        ("el user angel.casas no entra", "el user [USERNAME_1] no entra"),
        ("the caller id said 765-568-0541", "the caller id said [PHONE_1]"),
        ("tel = 612345678", "tel = [PHONE_1]"),
        ("client ip 10.2.4.3", "client ip [IP_1]"),
    ] {
        assert_eq!(scrubbed(text), expected);
    }
}

#[test]
fn a_name_found_once_is_hidden_wherever_it_returns() {
    assert_eq!(
        scrubbed("Soy Ximena Trejo. Ximena: sigue fallando"),
        "Soy [NAME_1]. [NAME_2]: sigue fallando"
    );
    assert_eq!(scrubbed("soy Ana. Ana de nuevo"), "soy [NAME_1]. [NAME_1] de nuevo");
}

#[test]
fn known_people_need_no_other_evidence() {
    let known = KnownPeople::new()
        .with_name("Rose Will")
        .with_address("+34 612 345 678")
        .with_address("@rosie");
    assert_eq!(
        scrub_known("the rose is on 612-345-678, ask rosie", &known)
            .text
            .as_str(),
        "the [NAME_1] is on [PHONE_1], ask [USERNAME_1]"
    );
    assert_eq!(scrub("the rose is red").text.as_str(), "the rose is red");
    assert_eq!(format!("{known:?}"), "KnownPeople(..)");
}

#[test]
fn a_host_extends_what_stays() {
    let scrubber = Scrubber::new().with_allowed(["Valentina", "Nodo Sur"]);
    let text = "Valentina no responde";
    assert_eq!(scrubber.scrub(text, &KnownPeople::new()).text.as_str(), text);
    assert_eq!(scrubbed(text), "[NAME_1] no responde");
    let known = KnownPeople::new().with_name("Valentina");
    assert_eq!(scrubber.scrub(text, &known).text.as_str(), "[NAME_1] no responde");
}

#[test]
fn texts_of_one_ticket_share_their_placeholders() {
    let scrubber = Scrubber::new();
    let nobody = KnownPeople::new();
    let mut placeholders = Placeholders::default();
    let (title, _) = scrubber.scrub_with("Soy Ana Ruiz", &nobody, &mut placeholders);
    let (reply, spans) = scrubber.scrub_with("ruiz otra vez, ana@example.com, [NAME_9]", &nobody, &mut placeholders);
    assert_eq!(title.as_str(), "Soy [NAME_1]");
    assert_eq!(reply.as_str(), "[NAME_2] otra vez, [EMAIL_1], [NAME_9]");
    assert_eq!(spans[0].label, Label::Name);
    assert_eq!(
        placeholders.restore(reply.as_str()),
        "ruiz otra vez, ana@example.com, [NAME_9]"
    );
}

#[test]
fn what_was_hidden_before_is_hidden_without_its_cue() {
    let scrubber = Scrubber::new();
    let nobody = KnownPeople::new();
    let mut placeholders = Placeholders::default();
    let first = "la clave es perro77, correo ana arroba gmail punto com, tel 4321 5678";
    scrubber.scrub_with(first, &nobody, &mut placeholders);
    let (second, _) = scrubber.scrub_with(
        "perro77; ana arroba gmail punto com; 43215678",
        &nobody,
        &mut placeholders,
    );
    assert_eq!(second.as_str(), "[SECRET_1]; [EMAIL_1]; [PHONE_2]");
}

#[test]
fn a_typed_placeholder_is_kept_and_its_number_skipped() {
    let scrub = scrub("[NAME_1] wrote to me. My name is Ana Ruiz");
    assert_eq!(scrub.text.as_str(), "[NAME_1] wrote to me. My name is [NAME_2]");
    assert_eq!(
        scrub.placeholders.restore(scrub.text.as_str()),
        "[NAME_1] wrote to me. My name is Ana Ruiz"
    );
}

#[test]
fn debug_shows_no_original() {
    let shown = format!("{:?}", scrub("soy Ximena Trejo, ximena@example.com"));
    assert!(!shown.to_lowercase().contains("ximena"), "{shown}");
}

#[test]
fn offsets_count_characters_where_asked() {
    let text = "¡Sí! 🙂 soy Íñigo Peña, soy Íñigo Peña";
    let scrub = scrub(text);
    let chars: Vec<char> = text.chars().collect();
    for span in scrub.spans_in_chars(text) {
        assert_eq!(chars[span.start..span.end].iter().collect::<String>(), "Íñigo Peña");
    }
    assert_eq!(scrub.spans.len(), 2);
    assert_eq!(scrub.spans[0].number, scrub.spans[1].number);
}

/// Pieces that set the finders off, to be shuffled into texts.
fn piece() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "soy",
            "Soy",
            "my name is",
            "Hola",
            "Hi",
            "Ana",
            "ana",
            "Juan Pérez",
            "de la Cruz",
            "Rosa",
            "Will",
            "Mr.",
            "Sra.",
            "@",
            "@ana_77",
            "ana@example.com",
            "arroba",
            "punto",
            "at",
            "dot",
            "gmail",
            "com",
            "612 345 678",
            "+34",
            "(415)",
            "555-2671",
            "4111 1111 1111 1111",
            "ES91 2100 0418 4502 0005 1332",
            "12345678Z",
            "dni",
            "rut",
            "c.c.",
            "tel",
            "pedido",
            "clave",
            "password is",
            "token:",
            "sk_live_51Hx8fKJh2",
            "https://a.example/reset?token=9f8e7d6c5b4a",
            "http://",
            "www.x.es/hook/",
            "Calle Mayor 12",
            "123 Main St",
            "vivo en",
            "10.0.0.1",
            "::1",
            "[NAME_1]",
            "[NAME_",
            "[EMAIL_2]",
            "\n",
            "\n--\n",
            "Saludos,",
            ":",
            ",",
            ".",
            "-",
            "#",
            "º",
            "ñ",
            "🙂",
            "'",
            "\"",
            "(",
            ")",
            "e\u{301}",
            "\u{200b}",
            "Анна",
            "李",
            "１２３",
            "-----BEGIN KEY-----",
            "-----END",
            "%40",
            "usuario",
            "con",
            "y",
            "San",
            "sucursal",
            "escribió",
            "J.",
            "K",
            "7",
            "2026-01-05",
        ])
        .prop_map(str::to_owned),
        "[a-zA-Z0-9@.:/_\\- ]{0,12}",
        "\\PC{0,6}",
    ]
}

fn message() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => (prop::collection::vec((piece(), prop::sample::select(vec![" ", " ", "", "\n", ", "])), 0..14))
            .prop_map(|pieces| pieces.into_iter().flat_map(|(piece, gap)| [piece, gap.to_owned()]).collect::<String>()),
        1 => "\\PC{0,60}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(if cfg!(debug_assertions) { 256 } else { 20_000 }))]

    #[test]
    fn scrubbing_what_is_scrubbed_changes_nothing(text in message()) {
        let once = scrub(&text);
        let twice = scrub(once.text.as_str());
        prop_assert_eq!(twice.text.as_str(), once.text.as_str());
    }

    #[test]
    fn restoring_gives_the_text_back(text in message()) {
        let scrub = scrub(&text);
        prop_assert_eq!(scrub.placeholders.restore(scrub.text.as_str()), text);
    }

    #[test]
    fn offsets_are_exact(text in message()) {
        let scrub = scrub(&text);
        let mut rebuilt = String::new();
        let mut at = 0;
        for span in &scrub.spans {
            prop_assert!(span.start >= at && span.end > span.start);
            let value = &text[span.start..span.end];
            let placeholder = format!("[{}_{}]", span.label, span.number);
            prop_assert_eq!(scrub.placeholders.get(&placeholder), Some(value));
            rebuilt.push_str(&text[at..span.start]);
            rebuilt.push_str(&placeholder);
            at = span.end;
        }
        rebuilt.push_str(&text[at..]);
        prop_assert_eq!(rebuilt.as_str(), scrub.text.as_str());
        let chars: Vec<char> = text.chars().collect();
        for (bytes, points) in scrub.spans.iter().zip(scrub.spans_in_chars(&text)) {
            prop_assert_eq!(&text[bytes.start..bytes.end], chars[points.start..points.end].iter().collect::<String>());
        }
    }

    #[test]
    fn the_same_text_gives_the_same_answer(text in message()) {
        let (first, second) = (scrub(&text), scrub(&text));
        prop_assert_eq!(first.text, second.text);
        prop_assert_eq!(first.spans, second.spans);
    }
}

/// Texts made to be read again and again: twice as long may take at most four times as long, which a quadratic reading
/// of these sizes misses by far.
#[test]
fn time_grows_with_length() {
    for pattern in [
        "a",
        " ",
        "@",
        "a@",
        "%40",
        "1 ",
        "1",
        "pass:",
        "password is ",
        "https://",
        "a.",
        "[",
        "[NAME_1",
        "Ana ",
        "soy ",
        "de la ",
        "calle 1 ",
        "://a/",
        "-----BEGIN",
        "a-",
        "(",
        "1.2.3.",
        "::",
        "user ",
        "arroba",
        "a punto ",
        "\u{301}",
        "ñ",
        "🙂",
        "eyJ",
        "ana@a.es ",
        "tel 612345678 ",
        "\n",
        "y ",
        "J. ",
        "é1",
        "vivo en ",
        "1 a st ",
        "=:",
        "a=b&",
        "/a",
        "Ana, ",
    ] {
        let seconds = |length: usize| {
            let text: String = pattern.chars().cycle().take(length).collect();
            (0..3)
                .map(|_| {
                    let start = std::time::Instant::now();
                    let _ = scrub(&text);
                    start.elapsed().as_secs_f64()
                })
                .fold(f64::MAX, f64::min)
        };
        // A busy machine can spoil any measurement; what is quadratic fails all of them.
        let measured: Vec<_> = (0..5)
            .map(|_| (seconds(2_000), seconds(16_000)))
            .take_while(|(short, long)| *long >= short * 40.0 + 0.02)
            .collect();
        assert!(
            measured.len() < 5,
            "{pattern:?}: seconds for 2,000 and for 16,000 characters: {measured:?}"
        );
    }
}
