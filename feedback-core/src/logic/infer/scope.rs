//! Whom it hits, where no phrase of the lists says so: a quantity and, close behind it, people or places of an organisation
//! ("none of the nine ambulances", "tres de las siete casas").

use super::{
    fold::Folded,
    lexicon::{Hit, Topic},
    word_list::WordList,
};

/// How far behind its quantity a noun may stand.
const REACH: usize = 4;

/// Every quantity of people or places, and those that are named without one, in order.
pub(super) fn quantities(folded: &Folded) -> Vec<Hit> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < folded.tokens().len() {
        let end = is_quantity(folded.word(at)).then(|| noun_after(folded, at)).flatten();
        if let Some(end) = end {
            found.push(Hit {
                topic: Topic::Scope,
                first: at,
                end,
                is_denied: false,
            });
        }
        if end.is_none() && is_people_or_place(folded.word(at)) {
            found.push(Hit {
                topic: Topic::Crowd,
                first: at,
                end: at + 1,
                is_denied: false,
            });
        }
        at = end.unwrap_or(at + 1);
    }
    found
}

/// The token after the noun that a quantity counts.
fn noun_after(folded: &Folded, quantity: usize) -> Option<usize> {
    (quantity + 1..=quantity + REACH)
        .take_while(|&at| !matches!(folded.word(at), "." | "," | "?" | "\"" | ""))
        .find(|&at| is_people_or_place(folded.word(at)))
        .map(|at| at + 1)
}

fn is_quantity(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "across all ambas ambos both cada catorce cien cientos cinco cincuenta cuarenta cuatro decenas diecinueve \
         dieciocho dieciseis diecisiete diez doce dos dozens each eight eighteen eleven entera entero entire \
         every everyone fifteen fifty five forty four fourteen half hundred hundreds many mil miles mitad most \
         muchas muchos multiple nadie nine nineteen ningun ninguna ninguno no nobody none nueve numerous ocho \
         once percent quince seis seven seventeen several siete six sixteen sixty ten thirteen thirty thousand \
         thousands three toda todas todo todos trece treinta tres twelve twenty two varias varios various veinte \
         whole",
    );
    match word.as_bytes() {
        [b'0' | b'1'] => false,
        [b'0'..=b'9', ..] => word.len() <= 6 && word.bytes().all(|byte| byte.is_ascii_digit()),
        _ => WORDS.has(word),
    }
}

fn is_people_or_place(word: &str) -> bool {
    static WORDS: WordList = WordList::new(
        "abogados abonados accountants advisers advisors aeropuerto aeropuertos afiliados agentes agents \
         agricultores airport airports alarmas alarms almacenes alumno alumnos ambientes ambulances ambulancias \
         anfitriones antenas apartments apoderados aportantes applicants areas arenas ascensores asistentes \
         asociados atms attendees auditors aulas bakeries bankers barcos bares barns barracks barrio bars bases \
         bibliotecas bicis bidders bikes bodegas bomberos branch branches brokers building buildings bus buses \
         buyers cabs cafes cafeterias caja cajas cajeros camaras cameras camiones camionetas campus campuses \
         candidates candidatos carceles caregivers carers cargadores casas cashiers casilleros cells celulares \
         centers centres centros cerraduras chargers charities chicas chicos choferes churches cinemas cines \
         cirujanos cities citizens ciudad ciudadanos ciudades classes classrooms cleaners clerks client cliente \
         clientes clients clinic clinica clinicas clinics club clubes clubs clusters cocinas colectivos colegas \
         colegio colegios colleagues colleges comerciantes comercios companeras companeros companies company \
         compradores comunidades conductores congregations consorcios consulates consultorios contadores \
         contribuyentes corredores correos council councils counters county couriers courts coworkers creadores \
         creators crew crews cuarteles cuidadoras cuidadores cursos customer customers datacenters datacentres \
         datafonos daycares dealers dentist dentistas dentists departamentos department departments depositos \
         depot depots deptos despachadores dispatchers district districts distritos docentes doctors domains \
         dominios donantes donors doors dorm dorms driver drivers duenos edificio edificios editores editors \
         elevators embassies empleados employee employees empresa empresas enfermeras enfermeros engineers \
         environments equipos escuela escuelas espectadores estaciones estadios facultad facultades faculties \
         faculty familias families farmacias farmers farms fincas firefighters flats fleet floor floors flota \
         folks franchisees franchises gasolineras gates gente gerentes gimnasios girls granjas greenhouses \
         growers guardavidas guarderias guardia guardias guards guests guys gyms hairdressers handhelds hogares \
         homes hospital hospitales hospitals hosts hotel hoteles hotels households huespedes iglesias impresoras \
         inboxes ingenieros inquilinos institutions invernaderos jardines jubilados jugadores juzgados kiosks \
         kitchens lab laboratories laboratorio laboratorios labs landlords lanes lawyers leagues lectores \
         libraries licences licenses lifeguards lifts ligas lights limpiadores lineas lines listeners lobby local \
         locales location locations lockers locks machines maestros mailboxes managers maquinas masts medicos \
         medidores member members merchants meters midwives moderators motos municipality municipio municipios \
         museos museums neighborhood neighbours network nodes nodos nurse nurseries nurses obras obreros office \
         officers offices oficina oficinas ongs operadores operarios operators opticas opticians orchestras \
         organisations organizaciones organizations outlets owners oyentes pacientes padres panaderias pantallas \
         paradas paramedicos paramedics parent parents parishes parroquia parroquias partners pasajeros \
         passengers patients peers peluquerias people personal personas persons pharmacies phones piso pisos \
         plantas plants platform platforms players porteros porters posnet posnets postulantes pozos practices \
         printers prisons producers productores profes profesores projects properties property propietarios \
         proveedores provincias pubs pueblo pueblos puertas puestos pumps pupil pupils quirofanos radios red \
         region regiones regions registers repartidores reps residencia residencias residentes residents \
         restaurant restaurantes restaurants riders rooms sala salas salespeople salons scanners school schools \
         scooters screens seats sede sedes sellers semaforos sensores sensors servers servidores shards shifts \
         ships shop shoppers shops silos site sites socias socios squad squads stadiums staff station stations \
         stops store stores streamers student students subdomains subscribers sucursal sucursales suppliers \
         surgeons surgeries surtidores suscriptores tabletas tablets taxis taxistas taxpayers teachers team teams \
         technicians tecnicos telefonos tenant tenants terminal terminales terminals termostatos theatres \
         thermostats tienda tiendas till tills torniquetes torres towers town towns trabajadores traductores \
         trains trams translators trenes troops trucks turnos turnstiles unidades universidades universities user \
         users usuario usuarios vans vecinos vehicles vehiculos vendedores ventanillas venues viewers villages \
         visitantes visitors voluntarios volunteers votantes voters ward wards warehouse warehouses wells \
         workspaces writers zona zonas",
    );
    WORDS.has(word)
}

#[cfg(test)]
mod tests {
    use super::{super::fold::fold, *};

    fn found(text: &str) -> usize {
        let folded = fold(text, std::slice::from_ref(&(0..text.len())));
        quantities(&folded)
            .iter()
            .filter(|hit| hit.topic == Topic::Scope)
            .count()
    }

    #[test]
    fn quantities_of_people_and_places_are_scope() {
        for text in [
            "None of the 9 ambulances",
            "tres de las siete casas",
            "all seventeen clubs",
            "el 15% de los clientes",
            "23 client companies",
        ] {
            assert_eq!(found(text), 1, "{text}");
        }
    }

    #[test]
    fn quantities_of_records_are_not() {
        for text in [
            "47 pay slips",
            "dos facturas",
            "one customer",
            "1 cliente",
            "P2, clientes",
        ] {
            assert_eq!(found(text), 0, "{text}");
        }
    }
}
