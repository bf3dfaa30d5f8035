-- made by Barbican 15.0.1: make_simple_crypto_vectors.py; a dump of SQLite
BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('8c74e2d7f1ff');
CREATE TABLE certificate_authorities (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	plugin_name VARCHAR(255) NOT NULL, 
	plugin_ca_id TEXT NOT NULL, 
	expiration DATETIME, 
	creator_id VARCHAR(255), 
	project_id VARCHAR(36), 
	PRIMARY KEY (id), 
	CONSTRAINT cas_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE TABLE certificate_authority_metadata (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	value TEXT NOT NULL, 
	ca_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(ca_id) REFERENCES certificate_authorities (id), 
	CONSTRAINT _certificate_authority_metadatum_uc UNIQUE (ca_id, "key")
);
CREATE TABLE container_acl_users (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	acl_id VARCHAR(36) NOT NULL, 
	user_id VARCHAR(255) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(acl_id) REFERENCES container_acls (id), 
	CONSTRAINT _container_acl_user_uc UNIQUE (acl_id, user_id)
);
CREATE TABLE container_acls (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	container_id VARCHAR(36) NOT NULL, 
	operation VARCHAR(255) NOT NULL, 
	project_access BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(container_id) REFERENCES containers (id), 
	CONSTRAINT _container_acl_operation_uc UNIQUE (container_id, operation)
);
CREATE TABLE container_consumer_metadata (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	container_id VARCHAR(36) NOT NULL, 
	project_id VARCHAR(36), 
	name VARCHAR(36), 
	"URL" VARCHAR(255), 
	data_hash CHAR(64), 
	PRIMARY KEY (id), 
	FOREIGN KEY(container_id) REFERENCES containers (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id), 
	CONSTRAINT _consumer_hashed_container_name_url_uc UNIQUE (data_hash)
);
CREATE TABLE container_secret (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	name VARCHAR(255), 
	container_id VARCHAR(36) NOT NULL, 
	secret_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(container_id) REFERENCES containers (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id), 
	CONSTRAINT _container_secret_name_uc UNIQUE (container_id, secret_id, name)
);
CREATE TABLE containers (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	name VARCHAR(255), 
	type VARCHAR(11), 
	project_id VARCHAR(36) NOT NULL, 
	creator_id VARCHAR(255), 
	PRIMARY KEY (id), 
	CONSTRAINT containers_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE TABLE encrypted_data (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	content_type VARCHAR(255), 
	secret_id VARCHAR(36) NOT NULL, 
	kek_id VARCHAR(36) NOT NULL, 
	cypher_text TEXT, 
	kek_meta_extended TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(kek_id) REFERENCES kek_data (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
INSERT INTO "encrypted_data" VALUES('8837ec11-78a6-495c-b578-d91644719ac8','2026-11-22 08:39:49.911059','2026-11-22 08:39:49.911059',NULL,0,'ACTIVE','text/plain','f4d3adbe-591e-45a7-ac21-63ea5dac9b16','6d2abb8b-7e7e-4c08-8562-37c2cff7dc1a',X'5A30464251554642516E4A4263584257516B4A6B52554A4959544A71647A417864464E4F62303142636E42594C57526A5645784B636A426B556D786D56577055596A6472654739505446524D62477043563074734E4845795246646F5245567256465A615246647765464E7654553971563156505248464F563355305A3077304D32633950513D3D',NULL);
INSERT INTO "encrypted_data" VALUES('110f806b-1f52-4b5a-aceb-ab049167718f','2026-11-22 08:39:49.929945','2026-11-22 08:39:49.929945',NULL,0,'ACTIVE','application/octet-stream','904e7ef5-1a99-4ef9-a5f8-d8d4987f9adc','6d2abb8b-7e7e-4c08-8562-37c2cff7dc1a',X'5A30464251554642516E4A42635842576345745A5A444A7A5432746653314E544E6C6855554646595A7A68345432566C596E5272534556495154526A646D315353554A4661486B34516A4E314E576B345A6C4647576C426E5347464D533152735131566C65565649596E677464336C774C57394B5331424857457879576A46575457343055464678517A4E44636D4631526B4E314E6E526C636D70464E6C684C627A426E5457466E4D554E4765473431566A417457555255644570714D324E72564668434E6B683163456379616C4E6F633039704C58557859555A6B546C6852636C6C55575551306246423255334245646C394B5A3270575A336457556D46734F58466E636C5977655763796456463652307446643167314F586F744D4564765746637A4F556C6B62316F795656566F637931424E55316D5A6B644A55306855626B6C75623049774D6D4661575763335A6E6847566D7446597A645A576B4E6D616E464855454A45596A647259575A4B5A305A324F575656516E705254464174626B4E59635559335555705A626C396857475A784D7A5A6962564647596E497464444A75656C6C32546C684E54326872526B4E72523268704C5559324E3078584E484E4E526E4A686255567864567078526A4134526C426856314231613039725A584A59516B70535257707957544A506556565464304535526A4673566D315A4D315A3455466478616D35515745395054576871583235724D6B746E645464705A544E34515759356346705A566D4678595331494E58567A4F454E73565846564E564933516B4E6C5654303D',NULL);
INSERT INTO "encrypted_data" VALUES('c062fd84-bd5f-4ff2-9520-33f9dc7b1a3b','2026-11-22 08:39:49.935655','2026-11-22 08:39:49.935655',NULL,0,'ACTIVE','text/plain','6f657327-82b6-4c75-aded-5250bc134198','6d2abb8b-7e7e-4c08-8562-37c2cff7dc1a',X'5A30464251554642516E4A42635842575A46684364586F33516E525157465A6F556E4E35516A6873576D784E57546C424C553546566E526E4C58687251326858526D74764D304D3263566445517A5247596D6C42617A41776155784763584242565464435748423151576F35564446464D6C6C315A486C57553031666347564B4E33426C63556C7156466C6B55455A555A565A686347566B576B394C59303039',NULL);
INSERT INTO "encrypted_data" VALUES('7bfd579e-e817-4398-ad3b-6cc40f23e6f2','2026-11-22 08:39:49.972788','2026-11-22 08:39:50.140273','2026-11-22 08:39:50.138982',1,'ACTIVE','text/plain','1aa39829-4c2b-48a2-bd72-411130625129','6d2abb8b-7e7e-4c08-8562-37c2cff7dc1a',X'5A30464251554642516E4A4263584257596A6C79625446584D6B6C6156444E584D315277593152525831426F6358493462574E43555842684E544A4F5248686F654442544E6B4A3056466C79557A5A704D325279574552436348526D5433686F523245775432744D4C545A43593239476330784B527A426F566C5A736332644F5448633950513D3D',NULL);
CREATE TABLE kek_data (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	plugin_name VARCHAR(255) NOT NULL, 
	kek_label VARCHAR(255), 
	project_id VARCHAR(36) NOT NULL, 
	active BOOLEAN NOT NULL, 
	bind_completed BOOLEAN NOT NULL, 
	algorithm VARCHAR(255), 
	bit_length INTEGER, 
	mode VARCHAR(255), 
	plugin_meta TEXT, 
	PRIMARY KEY (id), 
	CONSTRAINT kek_data_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "kek_data" VALUES('6d2abb8b-7e7e-4c08-8562-37c2cff7dc1a','2026-11-22 08:39:49.898326','2026-11-22 08:39:49.905654',NULL,0,'ACTIVE','barbican.plugin.crypto.simple_crypto.SimpleCryptoPlugin','project-11112222333344445555666677778888-key-07ab1185-d83a-4b39-8a32-808ee1dcb06f','ce7ebebf-239d-481b-9a38-0c2bcdae4975',1,1,'aes',128,'cbc',X'6741414141414272417170566151427A32374D6A53694249413630524E34435F444A39633934596155327066634D524B354432773558303971527A334932766E666F5170316D69715370783273633865385F59584E457752436152452D687A336174612D72507143753658555639646E6D436A766E706C5A52444F6751546F694C6D4C2D4C7078493633424D');
CREATE TABLE order_barbican_metadata (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	order_id VARCHAR(36) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE TABLE order_plugin_metadata (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	order_id VARCHAR(36) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	value VARCHAR(255) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE TABLE order_retry_tasks (
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	id VARCHAR(36) NOT NULL, 
	order_id VARCHAR(36) NOT NULL, 
	retry_task TEXT NOT NULL, 
	retry_at DATETIME NOT NULL, 
	retry_args TEXT NOT NULL, 
	retry_kwargs TEXT NOT NULL, 
	retry_count INTEGER NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(order_id) REFERENCES orders (id)
);
CREATE TABLE orders (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	type VARCHAR(255) NOT NULL, 
	project_id VARCHAR(36) NOT NULL, 
	error_status_code VARCHAR(16), 
	error_reason VARCHAR(255), 
	meta TEXT, 
	secret_id VARCHAR(36), 
	container_id VARCHAR(36), 
	sub_status VARCHAR(36), 
	sub_status_message VARCHAR(255), 
	creator_id VARCHAR(255), 
	PRIMARY KEY (id), 
	FOREIGN KEY(container_id) REFERENCES containers (id), 
	CONSTRAINT orders_project_fk FOREIGN KEY(project_id) REFERENCES projects (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
INSERT INTO "orders" VALUES('5ae11918-ab4f-4470-876d-1317cf1656f6','2026-11-22 08:39:50.150393','2026-11-22 08:39:50.150393',NULL,0,'ACTIVE','key','ce7ebebf-239d-481b-9a38-0c2bcdae4975',NULL,NULL,'{"name": "ordered", "algorithm": "aes"}','6f657327-82b6-4c75-aded-5250bc134198',NULL,NULL,NULL,'creator');
CREATE TABLE preferred_certificate_authorities (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	project_id VARCHAR(36) NOT NULL, 
	ca_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT preferred_certificate_authorities_fk FOREIGN KEY(ca_id) REFERENCES certificate_authorities (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE TABLE project_certificate_authorities (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	project_id VARCHAR(36) NOT NULL, 
	ca_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(ca_id) REFERENCES certificate_authorities (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id), 
	CONSTRAINT _project_certificate_authority_uc UNIQUE (project_id, ca_id)
);
CREATE TABLE project_quotas (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	project_id VARCHAR(36) NOT NULL, 
	secrets INTEGER, 
	orders INTEGER, 
	containers INTEGER, 
	consumers INTEGER, 
	cas INTEGER, 
	PRIMARY KEY (id), 
	CONSTRAINT project_quotas_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
CREATE TABLE project_secret_store (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	secret_store_id VARCHAR(36) NOT NULL, 
	project_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(project_id) REFERENCES projects (id), 
	FOREIGN KEY(secret_store_id) REFERENCES secret_stores (id), 
	CONSTRAINT _project_secret_store_project_uc UNIQUE (project_id)
);
CREATE TABLE projects (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	external_id VARCHAR(255), 
	PRIMARY KEY (id), 
	UNIQUE (external_id)
);
INSERT INTO "projects" VALUES('ce7ebebf-239d-481b-9a38-0c2bcdae4975','2026-11-22 08:39:49.816763','2026-11-22 08:39:49.816763',NULL,0,'ACTIVE','11112222333344445555666677778888');
CREATE TABLE secret_acl_users (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	acl_id VARCHAR(36) NOT NULL, 
	user_id VARCHAR(255) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(acl_id) REFERENCES secret_acls (id), 
	CONSTRAINT _secret_acl_user_uc UNIQUE (acl_id, user_id)
);
INSERT INTO "secret_acl_users" VALUES('a31b2ace-9e5e-404d-9a16-c34da9cfceea','2026-11-22 08:39:49.964047','2026-11-22 08:39:49.964057',NULL,0,'ACTIVE','3c9760fc-c96c-4931-8ae9-eea40225be07','bob');
INSERT INTO "secret_acl_users" VALUES('f8a25b02-1830-4cc3-ade9-2a821e79b9a4','2026-11-22 08:39:49.964687','2026-11-22 08:39:49.964690',NULL,0,'ACTIVE','3c9760fc-c96c-4931-8ae9-eea40225be07','alice');
CREATE TABLE secret_acls (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	secret_id VARCHAR(36) NOT NULL, 
	operation VARCHAR(255) NOT NULL, 
	project_access BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id), 
	CONSTRAINT _secret_acl_operation_uc UNIQUE (secret_id, operation)
);
INSERT INTO "secret_acls" VALUES('3c9760fc-c96c-4931-8ae9-eea40225be07','2026-11-22 08:39:49.953338','2026-11-22 08:39:49.954034',NULL,0,'ACTIVE','6f657327-82b6-4c75-aded-5250bc134198','read',0);
CREATE TABLE "secret_consumer_metadata" (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	secret_id VARCHAR(36) NOT NULL, 
	project_id VARCHAR(36), 
	service VARCHAR(255) NOT NULL, 
	resource_type VARCHAR(255) NOT NULL, 
	resource_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT _secret_consumer_resource_uc UNIQUE (secret_id, service, resource_type, resource_id), 
	CONSTRAINT fk_project_id FOREIGN KEY(project_id) REFERENCES projects (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
CREATE TABLE secret_store_metadata (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	value VARCHAR(255) NOT NULL, 
	secret_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id)
);
INSERT INTO "secret_store_metadata" VALUES('f032feb3-dd06-466a-96de-900e0f48ed7e','2026-11-22 08:39:49.919419','2026-11-22 08:39:49.919419',NULL,0,'PENDING','plugin_name','barbican.plugin.store_crypto.StoreCryptoAdapterPlugin','f4d3adbe-591e-45a7-ac21-63ea5dac9b16');
INSERT INTO "secret_store_metadata" VALUES('1f6acc9e-92cf-4d81-85e5-0496ea990e35','2026-11-22 08:39:49.921793','2026-11-22 08:39:49.921793',NULL,0,'PENDING','content_type','text/plain','f4d3adbe-591e-45a7-ac21-63ea5dac9b16');
INSERT INTO "secret_store_metadata" VALUES('82f29679-4b9f-4252-99a5-2a8813b69d8a','2026-11-22 08:39:49.931394','2026-11-22 08:39:49.931394',NULL,0,'PENDING','plugin_name','barbican.plugin.store_crypto.StoreCryptoAdapterPlugin','904e7ef5-1a99-4ef9-a5f8-d8d4987f9adc');
INSERT INTO "secret_store_metadata" VALUES('e134ec55-a60f-4f0c-90af-a81152fc2ea7','2026-11-22 08:39:49.932365','2026-11-22 08:39:49.932365',NULL,0,'PENDING','content_type','application/octet-stream','904e7ef5-1a99-4ef9-a5f8-d8d4987f9adc');
INSERT INTO "secret_store_metadata" VALUES('699aec7c-eb39-45a7-b2ad-e585fcbc415c','2026-11-22 08:39:49.941495','2026-11-22 08:39:49.941495',NULL,0,'PENDING','plugin_name','barbican.plugin.store_crypto.StoreCryptoAdapterPlugin','6f657327-82b6-4c75-aded-5250bc134198');
INSERT INTO "secret_store_metadata" VALUES('2fe860cc-1a62-4c2a-b6e8-2f49766ffbc1','2026-11-22 08:39:49.942442','2026-11-22 08:39:49.942442',NULL,0,'PENDING','content_type','text/plain','6f657327-82b6-4c75-aded-5250bc134198');
INSERT INTO "secret_store_metadata" VALUES('2c24302a-2bad-4b62-8772-3b0f444844a3','2026-11-22 08:39:49.974252','2026-11-22 08:39:50.126873','2026-11-22 08:39:50.126169',1,'PENDING','plugin_name','barbican.plugin.store_crypto.StoreCryptoAdapterPlugin','1aa39829-4c2b-48a2-bd72-411130625129');
INSERT INTO "secret_store_metadata" VALUES('54fd3cf1-0ed0-48f0-9eff-e4a7d17e2712','2026-11-22 08:39:49.975304','2026-11-22 08:39:50.127453','2026-11-22 08:39:50.127218',1,'PENDING','content_type','text/plain','1aa39829-4c2b-48a2-bd72-411130625129');
CREATE TABLE secret_stores (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	store_plugin VARCHAR(255) NOT NULL, 
	crypto_plugin VARCHAR(255), 
	global_default BOOLEAN NOT NULL, 
	name VARCHAR(255) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT _secret_stores_name_uc UNIQUE (name), 
	CONSTRAINT _secret_stores_plugin_names_uc UNIQUE (store_plugin, crypto_plugin)
);
CREATE TABLE secret_user_metadata (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	"key" VARCHAR(255) NOT NULL, 
	value VARCHAR(255) NOT NULL, 
	secret_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(secret_id) REFERENCES secrets (id), 
	CONSTRAINT _secret_key_uc UNIQUE (secret_id, "key")
);
CREATE TABLE secrets (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	name VARCHAR(255), 
	secret_type VARCHAR(255) DEFAULT 'opaque', 
	expiration DATETIME, 
	algorithm VARCHAR(255), 
	bit_length INTEGER, 
	mode VARCHAR(255), 
	creator_id VARCHAR(255), 
	project_id VARCHAR(36) NOT NULL, 
	PRIMARY KEY (id), 
	CONSTRAINT secrets_project_fk FOREIGN KEY(project_id) REFERENCES projects (id)
);
INSERT INTO "secrets" VALUES('f4d3adbe-591e-45a7-ac21-63ea5dac9b16','2026-11-22 08:39:49.908617','2026-11-22 08:39:49.917746',NULL,0,'ACTIVE','text','passphrase',NULL,NULL,NULL,NULL,'creator','ce7ebebf-239d-481b-9a38-0c2bcdae4975');
INSERT INTO "secrets" VALUES('904e7ef5-1a99-4ef9-a5f8-d8d4987f9adc','2026-11-22 08:39:49.928792','2026-11-22 08:39:49.930645',NULL,0,'ACTIVE','binary','symmetric',NULL,'aes',2048,'cbc','creator','ce7ebebf-239d-481b-9a38-0c2bcdae4975');
INSERT INTO "secrets" VALUES('6f657327-82b6-4c75-aded-5250bc134198','2026-11-22 08:39:49.934940','2026-11-22 08:39:49.943236',NULL,0,'ACTIVE','shared','opaque',NULL,NULL,NULL,NULL,'creator','ce7ebebf-239d-481b-9a38-0c2bcdae4975');
INSERT INTO "secrets" VALUES('d85b5c9f-6ae0-4124-962a-a6b808f3f704','2026-11-22 08:39:49.965263','2026-11-22 08:39:49.965263',NULL,0,'ACTIVE','empty','opaque','2999-01-01 00:00:00.000000',NULL,NULL,NULL,NULL,'ce7ebebf-239d-481b-9a38-0c2bcdae4975');
INSERT INTO "secrets" VALUES('1aa39829-4c2b-48a2-bd72-411130625129','2026-11-22 08:39:49.967575','2026-11-22 08:39:50.123375','2026-11-22 08:39:50.122338',1,'ACTIVE','gone','opaque',NULL,NULL,NULL,NULL,'creator','ce7ebebf-239d-481b-9a38-0c2bcdae4975');
CREATE TABLE transport_keys (
	id VARCHAR(36) NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	deleted_at DATETIME, 
	deleted BOOLEAN NOT NULL, 
	status VARCHAR(20) NOT NULL, 
	plugin_name VARCHAR(255) NOT NULL, 
	transport_key TEXT NOT NULL, 
	PRIMARY KEY (id)
);
CREATE INDEX ix_containers_project_id ON containers (project_id);
CREATE INDEX ix_kek_data_project_id ON kek_data (project_id);
CREATE INDEX ix_project_quotas_project_id ON project_quotas (project_id);
CREATE INDEX ix_project_secret_store_project_id ON project_secret_store (project_id);
CREATE INDEX ix_project_secret_store_secret_store_id ON project_secret_store (secret_store_id);
CREATE INDEX ix_secrets_project_id ON secrets (project_id);
CREATE INDEX ix_certificate_authority_metadata_ca_id ON certificate_authority_metadata (ca_id);
CREATE INDEX ix_certificate_authority_metadata_key ON certificate_authority_metadata ("key");
CREATE INDEX ix_container_acls_container_id ON container_acls (container_id);
CREATE INDEX ix_container_consumer_metadata_container_id ON container_consumer_metadata (container_id);
CREATE INDEX ix_container_consumer_metadata_project_id ON container_consumer_metadata (project_id);
CREATE INDEX values_index ON container_consumer_metadata (container_id, name, "URL");
CREATE INDEX ix_container_secret_container_id ON container_secret (container_id);
CREATE INDEX ix_container_secret_secret_id ON container_secret (secret_id);
CREATE INDEX ix_encrypted_data_kek_id ON encrypted_data (kek_id);
CREATE INDEX ix_encrypted_data_secret_id ON encrypted_data (secret_id);
CREATE INDEX ix_orders_container_id ON orders (container_id);
CREATE INDEX ix_orders_project_id ON orders (project_id);
CREATE INDEX ix_orders_secret_id ON orders (secret_id);
CREATE INDEX ix_preferred_certificate_authorities_ca_id ON preferred_certificate_authorities (ca_id);
CREATE UNIQUE INDEX ix_preferred_certificate_authorities_project_id ON preferred_certificate_authorities (project_id);
CREATE INDEX ix_project_certificate_authorities_ca_id ON project_certificate_authorities (ca_id);
CREATE INDEX ix_project_certificate_authorities_project_id ON project_certificate_authorities (project_id);
CREATE INDEX ix_secret_acls_secret_id ON secret_acls (secret_id);
CREATE INDEX ix_secret_store_metadata_secret_id ON secret_store_metadata (secret_id);
CREATE INDEX ix_secret_user_metadata_secret_id ON secret_user_metadata (secret_id);
CREATE INDEX ix_container_acl_users_acl_id ON container_acl_users (acl_id);
CREATE INDEX ix_order_barbican_metadata_order_id ON order_barbican_metadata (order_id);
CREATE INDEX ix_order_plugin_metadata_order_id ON order_plugin_metadata (order_id);
CREATE INDEX ix_order_retry_tasks_order_id ON order_retry_tasks (order_id);
CREATE INDEX ix_secret_acl_users_acl_id ON secret_acl_users (acl_id);
CREATE INDEX ix_secret_consumer_metadata_secret_id ON secret_consumer_metadata (secret_id);
CREATE INDEX ix_secret_consumer_metadata_resource_id ON secret_consumer_metadata (resource_id);
CREATE INDEX ix_secret_consumer_metadata_project_id ON secret_consumer_metadata (project_id);
COMMIT;
